"""The table's contents: rows, averages and ranks (`rows.py`), what a column counts as (`scoring.py`),
filters (`filters.py`), the view (`view.py`).
"""
