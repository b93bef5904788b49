"""The table's contents: rows, averages and ranks (`rows.py`), what a column counts as (`scoring.py`),
search and filters (`view.py`).
"""
