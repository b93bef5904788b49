"""The page: a file for each tab, the endpoints, the charts (`charts/`), the plain page (`plain/`), the open
routes (`doors.py`).
"""
