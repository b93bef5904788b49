"""The command `python -m src.evaluate ORG/MODEL`: evaluates one model without the queue."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Sequence

from src.running.identity import take_identity
from src.settings import Settings
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import ADAPTER, ORIGINAL
from src.shared.wiring import open_stores
from src.upkeep.commands import add_base_model, model, note, run, say
from src.upkeep.evaluating import Asked, Evaluator
from src.upkeep.shown_progress import shown_on
from src.upkeep.who import who_runs

NOT_PUBLISHED = (
    "These scores were not published. To publish scores, add --publish: the model is then evaluated again."
)
NOTHING_PUBLISHED = "Stopped. Nothing was published."
PERHAPS_PUBLISHED = (
    "Stopped. If the result was already being published, run the same command again to finish that."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate a model, print its scores, publish them if asked to, and return the exit status."""
    options = read_options(arguments)
    return run(lambda settings: evaluate(settings, options), Settings)


def evaluate(settings: Settings, options: argparse.Namespace) -> None:
    """Do what the command line says. Raises LeaderboardError, and KeyboardInterrupt with a sentence."""
    evaluator = Evaluator(
        settings,
        open_stores(settings, only_look=not options.publish),
        take_identity(None),
        say=note,
        shown=shown_on(sys.stderr, note),
    )
    try:
        if options.publish:
            lines = evaluator.run_and_publish(asked_in(options), who_runs(settings))
        else:
            lines = evaluator.run(asked_in(options))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(PERHAPS_PUBLISHED if evaluator.publishes else NOTHING_PUBLISHED) from None
    finally:
        evaluator.close()
    say(*lines)
    if not options.publish:
        note(NOT_PUBLISHED)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m src.evaluate", description=__doc__)
    add = parser.add_argument
    add("model", type=model, metavar="ORG/MODEL", help="a model on the Hub, or in the local folder of models")
    add("--revision", default="main", help="a branch, a tag or a commit (default: main)")
    add("--precision", default=PRECISIONS[0], choices=PRECISIONS, help=f"default: {PRECISIONS[0]}")
    add("--weight-type", default=ORIGINAL, choices=(ORIGINAL, ADAPTER), help=f"default: {ORIGINAL}")
    add_base_model(parser)
    add("--chat-template", action="store_true", help="put the prompts into the model's chat template")
    add("--publish", action="store_true", help="publish the result, with a finished request")
    options = parser.parse_args(arguments)
    if (options.weight_type == ADAPTER) != bool(options.base_model.name):
        parser.error("--weight-type Adapter and --base-model belong together: give both, or neither")
    return options


def asked_in(options: argparse.Namespace) -> Asked:
    """Return what the options ask for."""
    return Asked(
        model=options.model,
        revision=options.revision,
        precision=options.precision,
        weight_type=options.weight_type,
        base_model=options.base_model.name,
        base_revision=options.base_model.revision,
        use_chat_template=options.chat_template,
    )


if __name__ == "__main__":
    sys.exit(main())
