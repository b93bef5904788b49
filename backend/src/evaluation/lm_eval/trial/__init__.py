"""Tries a suite with a stand-in for the model, and finds the cause of each failure."""
