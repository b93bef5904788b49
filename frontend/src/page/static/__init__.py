"""The board as pages that need no server (`pages.py`), for `python -m src.export`: what each is called
(`files.py`), its links (`relinked.py`), and how a folder gets them all at once (`writing.py`).
"""
