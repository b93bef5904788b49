"""The plain page: the table without scripts (`document.py`), as files (`exports.py`), the charts
(`charts.py`), and badges. Each answer is made once (`kept.py`).
"""
