"""Goes through the checks in checks.py: everything that is wrong with a submission, each problem once."""

from __future__ import annotations

import logging

from src import checks
from src.shared.errors import LeaderboardError, shown
from src.submitting.case import Case
from src.submitting.form import Refused

log = logging.getLogger(__name__)

FAILED = (
    "The check {} of this leaderboard failed, so we do not know whether {} may be submitted. The "
    "leaderboard's owner must fix the check. The Space's log shows what is wrong."
)


def problems(case: Case, *, before_the_hub: bool = False) -> list[Refused]:
    """Return everything that is wrong with a submission.

    `before_the_hub` leaves out the checks that ask the Hub about the model. A check that fails itself lets
    nothing pass.
    """
    found: dict[str, Refused] = {}
    for check in checks.CHECKS:
        if check is checks.model_exists and before_the_hub:
            break
        try:
            check(case)
        except Refused as refusal:
            found.setdefault(str(refusal), refusal)
        except LeaderboardError:
            raise
        except Exception:
            name = getattr(check, "__name__", repr(check))
            log.exception("the check %s in src/checks.py failed", name)
            found.setdefault(name, Refused(FAILED.format(name, shown(case.form.model))))
    return list(found.values())
