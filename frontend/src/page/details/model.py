"""The details of one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from src.leaderboard import details
from src.leaderboard.details import Measured, Neighbour, Run
from src.leaderboard.reproduction import Reproduction, reproduction
from src.leaderboard.rows import Row
from src.page.details import drawings
from src.page.details.base import Page
from src.page.details.drawings import Bar, Point
from src.page.details.provenance import Fact, provenance
from src.page.links import files_address, link, page_of
from src.page.table import badges
from src.shared.data.names import log_path
from src.shared.data.result import Result
from src.shared.times import to_text


@dataclass(frozen=True)
class ModelPage(Page):
    """One row's details."""

    row: Row
    template = "model.html"

    @property
    def title(self) -> str:
        """What the page is about."""
        return self.name(self.row)

    @property
    def opened(self) -> Sequence[tuple[str, str]]:
        """This row."""
        return self.to.pairs([self.row])

    @property
    def canonical(self) -> str:
        """This page, as published."""
        return "" if self.to.scoring_pairs else self.to.model(self.row)

    @property
    def address(self) -> str:
        """The model's page on the Hub; empty if there is none."""
        return page_of(self.row, self.board.local_models) or ""

    @property
    def badges(self) -> Sequence[str]:
        """What distinguishes the row."""
        return badges(self.row, is_new=False)

    @property
    def others(self) -> Sequence[Row]:
        """The other rows of the same model."""
        model = self.row.model.casefold()
        return [row for row in self.standings.rows if row.model.casefold() == model and row is not self.row]

    @cached_property
    def scores(self) -> Sequence[tuple[Measured, Bar | None]]:
        """Each score with its picture."""
        return [(each, drawings.bar(each)) for each in details.measured(self.standings, self.row)]

    @property
    def has_extremes(self) -> bool:
        """Whether a score has an error of 0."""
        return any(error == 0 for error in self.row.errors)

    @cached_property
    def neighbours(self) -> Sequence[Neighbour]:
        """The rows around it."""
        return details.neighbours(self.standings, self.row)

    @cached_property
    def runs(self) -> Sequence[Run]:
        """Its evaluations, the newest first."""
        return details.runs(self.standings, self.row)

    @property
    def timeline(self) -> Sequence[Point]:
        """The averages over time."""
        return drawings.timeline(self.runs)

    @property
    def timeline_size(self) -> tuple[int, int]:
        """The width and the height of that picture."""
        return drawings.TIMELINE

    @property
    def reproduction(self) -> Reproduction:
        """The command that reproduces its scores."""
        return reproduction(self.row, local_models=self.board.local_models, description=self.board.backend)

    @property
    def provenance(self) -> Sequence[tuple[Result, Sequence[Fact]]]:
        """Where its scores come from, for each result."""
        return [(result, provenance(self.row, result)) for result in self.row.origins]

    def commit(self, result: Result) -> Markup:
        """Return the commit that was evaluated, with a link to the model's files at it."""
        if not result.commit:
            return Markup("unknown")
        return link(self.address and files_address(self.address, result.commit), result.commit[:8])

    def links(self, result: Result) -> Sequence[Markup]:
        """Return links to a result, its log and its request."""
        found = [self.files.result(result.path, "result")] if self.files.results.address(result.path) else []
        if result.run and result.attempt:
            log = log_path(result.model, result.run, result.attempt)
            found += [self.files.result(log, "log")] if self.files.results.address(log) else []
        if result.request and self.files.requests.address(result.request):
            found.append(self.files.request(result.request, "request"))
        samples = result.provenance.samples
        if samples and (address := self.files.samples(samples)):
            found.append(link(address, "answers"))
        return found

    def time(self, result: Result) -> str:
        """Return when an evaluation ended."""
        return to_text(result.ended)
