"""lighteval's own command line, offline: `python command_line.py accelerate …`.

It differs in one thing. Importing any task imports `tiny_benchmarks`, which would download a pickle from
GitHub: an empty module stands in its place.
"""

import sys
from types import ModuleType

sys.modules["lighteval.tasks.tasks.tiny_benchmarks"] = ModuleType("tiny_benchmarks")

if __name__ == "__main__":
    from lighteval.__main__ import app

    app()
