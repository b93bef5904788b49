"""Whom a failed evaluation blames, by how it ended and by the sentence for its submitter."""

from src.running.job import End

MODEL, OWNER, NOBODY = "the model's submitter", "the leaderboard's owner", "nobody"

NO_FAULT_OF_THE_MODEL = (
    "the model is not at fault",
    "nothing about the model",
    "disk is full",
    "The Hub did",
)

PASSES = {End.CRASHED, End.UNREACHABLE}
"""Ends after which another attempt may go well although nobody has corrected anything."""


def blamed(end: str, sentence: str) -> str:
    """Return who has to correct something, as a reader of the sentence understands it."""
    if not any(text in sentence for text in NO_FAULT_OF_THE_MODEL):
        return MODEL
    return OWNER if end not in PASSES and "leaderboard's owner" in sentence else NOBODY
