"""Runs a program of a Space as if it did not hide from others of its user: `python unhidden.py app.py` or
`python unhidden.py -m src.worker`, with the Space's folder on PYTHONPATH. What the tests find then shows that
they would see what is not hidden.
"""

import runpy
import sys

from src.shared.process import hardening

hardening.forbid_inspection = lambda: None

if __name__ == "__main__":
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
