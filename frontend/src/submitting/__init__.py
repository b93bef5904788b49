"""From a filled-in form to a request in the dataset: lookups, what checks may see (`case.py`), limits,
commits.
"""
