"""Trying a suite with a stand-in for the model, and finding what to blame for a failure."""
