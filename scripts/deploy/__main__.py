"""Deploys this clone: `make deploy ORG=acme` makes or updates the two Spaces and two datasets of a board."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # it holds tokens
    forbid_inspection()

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from huggingface_hub.utils import disable_progress_bars

from saying import Say, say
from src.shared.errors import LeaderboardError

from .deployment import Sleep, deploy
from .refusals import AGAIN, NoCredits, NoPlan, Stopped
from .secret_values import SECRETS

ROOT = Path(__file__).resolve().parents[2]
WAYS_OUT = """\
Stopped: {error}
For a Gradio Space the Hub wants a plan: PRO of a person, Team of an organisation. The ways out:
  - Subscribe at https://huggingface.co/pro or https://huggingface.co/enterprise, and run this again.
  - A free board: `make deploy-static ORG={owner}` shows it as a static Space, and the worker runs on your own
    machine (`python -m src.worker` in backend/).
  - Your own machine for everything: `OWNER={owner} python app.py` in frontend/ and in backend/.
  - Hardware that is paid by the minute: buy credits at https://huggingface.co/settings/billing, and choose it
    with ARGS="--hardware cpu-upgrade --frontend-hardware cpu-upgrade"."""
HARDWARE_IS_NOT_PAID = """\
Stopped: {error}
That is the hardware, which is paid by the minute, and not the plan. Add a payment method or buy credits for
{owner} at https://huggingface.co/settings/billing (for an organisation:
https://huggingface.co/organizations/{owner}/settings/billing), and run the same command again. Or leave out
--hardware and --frontend-hardware: cpu-basic is free."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    root: Path = ROOT,
    endpoint: str | None = None,
    stdin: TextIO | None = None,
    say: Say = say,
    sleep: Sleep = time.sleep,
) -> int:
    """Deploy; 0 once both Spaces are well, else 1 with a reason. `sleep` is what waiting means in tests."""
    options = parser().parse_args(arguments)
    disable_progress_bars()  # each step is a line of its own
    try:
        return deploy(options, root=root, endpoint=endpoint, stdin=stdin, say=say, sleep=sleep)
    except NoPlan as error:
        say(WAYS_OUT.format(error=error, owner=options.org))
    except NoCredits as error:
        say(HARDWARE_IS_NOT_PAID.format(error=error, owner=options.org))
    except (Stopped, LeaderboardError) as error:
        say(f"Stopped: {error}")
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, and Ctrl-D where a secret is asked for
        say(f"\nInterrupted. {AGAIN}")
        return 130
    return 1


def parser() -> argparse.ArgumentParser:
    """The command line, which holds no secret."""
    line = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    add = line.add_argument
    add("org", metavar="ORG", help="your organisation or account on the Hub")
    add("--board", default="", help="the name of a board beside the first one: BOARD=math")
    add("--dry-run", action="store_true", help="say what would change, and change nothing")
    a_setting = "a setting, in each Space that has it; backend:NAME=VALUE for one"
    add("--set", metavar="NAME=VALUE", action="append", default=[], help=a_setting)
    a_secret = f"ask for a secret and set it: {', '.join(SECRETS)}"
    add("--secret", metavar="NAME", action="append", default=[], help=a_secret)
    add(
        "--stdin",
        action="store_true",
        help="read missing secrets from standard input: a line NAME=value for each",
    )
    add("--hardware", metavar="NAME", help="the backend's hardware, such as t4-small")
    add("--frontend-hardware", metavar="NAME", help="the frontend's hardware, such as cpu-upgrade")
    add("--sleep", metavar="TIME", help="when the backend sleeps on paid hardware: 30m, 2h, 1d or never")
    add("--overwrite", action="store_true", help="replace edits that were made on the Hub")
    add("--no-wait", action="store_true", help="do not wait until both Spaces are up")
    add("--minutes", type=float, default=30, help="how long to wait for both Spaces (default: 30)")
    return line


if __name__ == "__main__":
    sys.exit(main())
