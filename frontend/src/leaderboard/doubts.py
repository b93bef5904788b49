"""Sentences for the owner about columns whose scores are missing, unreadable or perhaps not comparable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from src.leaderboard.engines import ENGINES
from src.leaderboard.scoring import Evidence
from src.shared.data.benchmark import metric_key
from src.shared.data.metric_name import could_be_fraction, is_of_fractions
from src.shared.data.result import Result
from src.tasks import ANY_ENGINE

MOST_NAMED = 8
"""The most names that a sentence lists."""


def doubts(found: Sequence[Evidence]) -> tuple[str, ...]:
    """Return sentences for the owner about columns with missing or unreadable scores, with two engines' or
    an unknown engine's scores, or with two scales.
    """
    rules = (_is_filled, _means_one_thing, _has_one_engine, _is_readable, _has_one_scale)
    of_one_column = (sentence for evidence in found for rule in rules for sentence in rule(evidence))
    return (*of_one_column, *_engines_are_known(found))


def _is_filled(evidence: Evidence) -> Iterator[str]:
    """A column that stays empty deprives every model of its rank and average."""
    task, results = evidence.task, evidence.results
    if not results or evidence.every_score or evidence.mixed:
        return
    found = [(result, name) for result in results for name in result.tasks(task.benchmark)]
    keys = sorted({key for result, name in found for key in result.scores[name]})
    if keys:
        yield (
            f"The column {task.col_name} is empty: the results of {task.benchmark} have {_listed(keys)}, but "
            f"not {task.metric}. Write one of them in src/about.py."
        )
    elif found:
        yield (
            f"The column {task.col_name} is empty: the results name {task.benchmark} without a score. If it "
            "is a group that has no score of its own, name its tasks in src/about.py."
        )
    else:
        names = sorted({name for result in results for name in result.scores})
        yield (
            f"The column {task.col_name} is empty: no result has the task {task.benchmark}. They have "
            f"{_listed(names) or 'no tasks at all'}. Correct it in src/about.py, or wait for new results."
        )


def _means_one_thing(evidence: Evidence) -> Iterator[str]:
    """Scores with two numbers of shots are not comparable: somebody has to choose."""
    task = evidence.task
    for mixed in evidence.mixed[:1]:
        yield (
            f"{task.benchmark}, for the column {task.col_name}, means several things in {mixed.path}: "
            f"{_listed(mixed.mixed_settings(task.benchmark))}. Write one of them in src/about.py."
        )


def _has_one_engine(evidence: Evidence) -> Iterator[str]:
    """Two engines score the same questions a little differently: somebody has to choose."""
    task, number = evidence.task, len(evidence.left_out)
    others = sorted({result.engine for result in evidence.left_out if result.engine})
    if not others:
        return
    scores = "1 score" if number == 1 else f"{number:,} scores"
    all_together = f'engine="{ANY_ENGINE}" for all together'
    ways = [f'engine="{name}" for {name} alone' for name in others if name in ENGINES]
    yield (
        f"The column {task.col_name} shows the scores of {evidence.engine}. {scores} of {_listed(others)} "
        f"{'is' if number == 1 else 'are'} left out. To show others, write in its Task in src/about.py: "
        f"{' or '.join([*ways, all_together])}."
    )


def _engines_are_known(found: Sequence[Evidence]) -> Iterator[str]:
    """Results of the old template do not name their engine. Often all columns have some: tell it once."""
    for engine in ENGINES:
        names = [each.task.col_name for each in found if each.unnamed and each.engine == engine]
        if names:
            yield (
                "Some results do not name their engine. Their scores share a column with those of "
                f"{engine}: {_listed(names)}. If they are of {engine} too, write "
                f'engine="{engine}" in its Task in src/about.py. If any engine may share the column, write '
                f'engine="{ANY_ENGINE}".'
            )


def _is_readable(evidence: Evidence) -> Iterator[str]:
    """A score that is not a number leaves a blank cell."""
    task = evidence.task
    broken = [
        result.path
        for result in evidence.without_score
        for name in result.tasks(task.benchmark)
        if (key := metric_key(result.scores[name], task.metric)) and result.scores[name][key] is None
    ]
    if broken:
        many = "1 result holds" if len(broken) == 1 else f"{len(broken):,} results hold"
        yield (
            f"{many} something other than a number as {task.metric} of {task.benchmark}, for the column "
            f"{task.col_name}: {_listed(broken)}. Correct or remove it there."
        )


def _has_one_scale(evidence: Evidence) -> Iterator[str]:
    """If some files have fractions and some percentages, some scores are wrong either way."""
    task = evidence.task
    if evidence.are_fractions or task.is_fraction is False or not is_of_fractions(task.metric):
        return
    large = next((each for each in evidence.scores if not could_be_fraction(each[0])), None)
    small = next((each for each in evidence.scores if 0 < abs(each[0]) < 1), None)
    if large and task.is_fraction:
        yield (
            f"src/about.py says that the scores of {task.col_name} are fractions of 1, but some are larger, "
            f"such as {_named(*large)}. Divide those by 100 in their files."
        )
    elif large and small:
        yield (
            f"The column {task.col_name} has numbers above 1, such as {_named(*large)}, and below, such as "
            f"{_named(*small)}. All are shown unchanged. If some are fractions and some percentages, correct "
            "those files. If all are right, write is_fraction=False in its Task in src/about.py."
        )


def _named(score: float, result: Result) -> str:
    return f"{score:g} in {result.path}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
