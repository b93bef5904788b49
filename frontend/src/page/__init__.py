"""The page: a file for each tab, the endpoints, the open routes (`doors.py`); only this room imports
gradio.
"""
