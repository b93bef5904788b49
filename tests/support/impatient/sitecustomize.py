"""Makes programs that have this folder on PYTHONPATH impatient: a dead worker's lease counts for seconds.

Python imports a module of this name at its start. Clocks of one machine need no allowance of five minutes.
"""

from datetime import timedelta
from importlib.util import find_spec

if find_spec("src") and find_spec("pydantic"):
    from src.shared.data import request

    request.CLOCK_SKEW = timedelta(seconds=2)
