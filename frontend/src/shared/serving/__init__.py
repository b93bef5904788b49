"""What stands between strangers and Gradio: the mechanism of open routes (`doors.py`), bounded calls
(`calls/`), compression, files over HTTP, templates that escape every value.
"""
