import src.scoring
from src.rows import Row
from src.shared.result import Result


def submitted(row: Row) -> str | None:
    """The day on which the model was submitted."""
    return row.request.submitted_time[:10] if row.request else None


def computed_by(row: Row) -> int:
    """How many results the scores are from, where lower is better for none of them."""
    results: tuple[Result, ...] = row.results
    return len(results) if src.scoring.LOWER_IS_BETTER else 0


SUBMITTED = Column("Submitted", submitted, is_text=True)
RESULTS = Column("Results", computed_by)
