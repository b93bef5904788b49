"""The files of the two datasets: their names, how requests, results (`reports.py` reads every harness's)
and descriptions are read.
"""
