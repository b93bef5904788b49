"""Deploys this clone to the Hub: two Spaces and two datasets, made or brought up to date (`make deploy`).

`__main__.py` reads the command line. `looking.py` finds out what is there, `plan.py` decides what has to
change. That is a list of steps which may be interrupted anywhere: the next run finds the rest. `waiting.py`
waits until both Spaces are up.
"""
