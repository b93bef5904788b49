from src.leaderboard.rows import Row


def submitted(row: Row) -> str | None:
    """The day on which the model was submitted."""
    return row.request.submitted_time[:10] if row.request else None


def computed_by(row: Row) -> int:
    """How many results the scores are from."""
    return len(row.results)


SUBMITTED = Column("Submitted", submitted, is_text=True)
RESULTS = Column("Results", computed_by)
