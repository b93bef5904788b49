"""Starts and stops workers on other machines: `decide.py` says which, `seam.py` is what engines must do."""
