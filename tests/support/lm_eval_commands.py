"""Runs commands of lm_eval's own command line in one process: `python lm_eval_commands.py FILE`.

FILE holds a list of lists of arguments. Nothing is imported twice, and lm_eval's own collection of tasks is
not searched, which takes ten seconds for each command.
"""

import json
import sys
from pathlib import Path

from lm_eval.__main__ import cli_evaluate
from lm_eval.tasks import TaskManager

VERBOSITY, INCLUDE_PATH, INCLUDE_DEFAULTS, METADATA = None, None, False, None


def main(file: Path) -> None:
    TaskManager.__init__.__defaults__ = (VERBOSITY, INCLUDE_PATH, INCLUDE_DEFAULTS, METADATA)
    for arguments in json.loads(file.read_text()):
        sys.argv = ["lm_eval", "run", *arguments]
        cli_evaluate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
