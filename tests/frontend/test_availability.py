"""Which models are still on the Hub: checked a few at a time, and kept over restarts."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from src.board.keeper import Keeper
from src.leaderboard.availability import (
    BATCH,
    CHECKED_AGAIN_AFTER,
    WRITTEN_EVERY,
    Inspector,
    due,
    read_verdicts,
)
from src.leaderboard.filters import GONE
from src.leaderboard.view import ViewState, view
from src.shared.data.names import AVAILABILITY
from src.shared.data.request import Status
from src.shared.errors import ModelError
from src.shared.models.hub_models import HubModels
from src.shared.models.model_source import Presence
from src.shared.stores.hub import Hub as Client
from support.boards import NOW, TASKS, Leaderboard, scores
from support.hub import Fault, Hub, running_hub


class World:
    """What the Hub would say, and how often it was asked."""

    def __init__(self, **said: bool | None) -> None:
        self.time = NOW
        self.said = {f"acme/{name}": truth for name, truth in said.items()}
        self.tags: dict[str, frozenset[str]] = {}
        self.asked: list[str] = []

    def ask(self, model: str) -> Presence | None:
        self.asked.append(model)
        truth = self.said[model]
        return None if truth is None else Presence(truth, self.tags.get(model, frozenset()))

    def inspector(self, leaderboard: Leaderboard) -> Inspector:
        return Inspector(
            leaderboard.results,
            self.ask,
            lambda: self.said,
            clock=lambda: self.time,
            steady=lambda: self.time,
        )


def test_what_the_hub_says_is_known_and_what_it_does_not_say_is_not(leaderboard: Leaderboard) -> None:
    inspector = World(here=True, gone=False, silent=None).inspector(leaderboard)
    inspector.inspect()
    assert inspector.presences == {"acme/here": Presence(True), "acme/gone": Presence(False)}


def test_the_oldest_check_comes_first_and_only_so_many_at_a_time() -> None:
    models = [f"acme/{number:04}" for number in range(BATCH * 3)]
    times = {
        model: NOW - CHECKED_AGAIN_AFTER - timedelta(seconds=number)
        for number, model in enumerate(models[: BATCH * 2])
    }
    first = due(models, times, NOW)
    assert first == models[BATCH * 2 :]
    times |= dict.fromkeys(first, NOW)
    assert due(models, times, NOW) == models[BATCH * 2 - 1 : BATCH - 1 : -1]
    assert due(models[BATCH * 2 :], times, NOW) == []
    assert due(["<script>", "a b"], {}, NOW) == []


def test_models_of_which_the_hub_does_not_speak_do_not_keep_others_from_their_turn(
    leaderboard: Leaderboard,
) -> None:
    world = World(**{f"silent{number}": None for number in range(BATCH)}, zz=True)
    inspector = world.inspector(leaderboard)
    inspector.inspect()
    inspector.inspect()
    assert inspector.presences == {"acme/zz": Presence(True)}


def test_a_hub_that_cannot_be_asked_is_asked_once_and_what_it_said_before_is_kept(
    leaderboard: Leaderboard,
) -> None:
    world = World(a=True, b=True, c=True)
    inspector = world.inspector(leaderboard)

    def fail_at_the_second(model: str) -> Presence | None:
        if world.asked:
            raise ModelError("The Hub cannot be reached.")
        return world.ask(model)

    inspector._ask = fail_at_the_second
    inspector.inspect()
    assert inspector.presences == {"acme/a": Presence(True)}
    inspector._ask = world.ask
    inspector.inspect()
    assert len(inspector.presences) == 3


def test_what_was_found_out_outlives_a_restart(leaderboard: Leaderboard) -> None:
    world = World(here=True, gone=False)
    inspector = world.inspector(leaderboard)
    inspector.inspect()
    assert AVAILABILITY not in leaderboard.results.snapshot().files
    world.time += WRITTEN_EVERY
    inspector.inspect()
    after = world.inspector(leaderboard)
    world.asked.clear()
    after.inspect()
    assert after.presences == {"acme/here": Presence(True), "acme/gone": Presence(False)}
    assert world.asked == []


def test_the_tags_that_filters_need_are_kept_with_the_answer(leaderboard: Leaderboard) -> None:
    world = World(mixed=True, plain=True)
    world.tags["acme/mixed"] = frozenset({"merge", "moe"})
    inspector = world.inspector(leaderboard)
    inspector.inspect()
    world.time += WRITTEN_EVERY
    inspector.inspect()
    after = world.inspector(leaderboard)
    after.inspect()
    assert after.presences["acme/mixed"].tags == {"merge", "moe"}
    assert after.presences["acme/plain"].tags == frozenset()


def test_a_model_that_left_the_hub_keeps_its_tags(leaderboard: Leaderboard) -> None:
    world = World(mixed=True)
    world.tags["acme/mixed"] = frozenset({"merge"})
    inspector = world.inspector(leaderboard)
    inspector.inspect()
    world.said["acme/mixed"], world.tags = False, {}
    world.time += CHECKED_AGAIN_AFTER
    inspector.inspect()
    assert inspector.presences["acme/mixed"] == Presence(False, frozenset({"merge"}))


def test_a_file_without_tags_and_one_with_foreign_tags_are_read() -> None:
    old = b"model,checked,available\nacme/a,2026-11-28T00:00:00Z,true\n"
    assert read_verdicts(old)["acme/a"].presence == Presence(True)
    odd = b"model,checked,available,tags\nacme/a,2026-11-28T00:00:00Z,true,moe <script> merge2\n"
    assert read_verdicts(odd)["acme/a"].presence == Presence(True, frozenset({"moe"}))


def test_two_frontends_keep_what_the_other_found_out_later(leaderboard: Leaderboard) -> None:
    world = World(a=True, b=True)
    one, other = world.inspector(leaderboard), world.inspector(leaderboard)
    one.inspect()
    world.time += timedelta(hours=7)
    world.said["acme/a"] = False
    other.inspect()
    one._checks.pop("acme/b")
    for inspector in (other, one):
        inspector.inspect()
    data = (leaderboard.folder / "results" / AVAILABILITY).read_bytes()
    assert {model: check.presence.is_available for model, check in read_verdicts(data).items()} == {
        "acme/a": False,
        "acme/b": True,
    }


def test_a_model_that_left_the_leaderboard_leaves_the_file(leaderboard: Leaderboard) -> None:
    world = World(a=True, b=True)
    inspector = world.inspector(leaderboard)
    inspector.inspect()
    del world.said["acme/b"]
    world.time += WRITTEN_EVERY
    inspector.inspect()
    assert read_verdicts((leaderboard.folder / "results" / AVAILABILITY).read_bytes()).keys() == {"acme/a"}


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"model\nacme/a\n", b"model,checked,available\nacme/a,yesterday,true\nacme/b\n", b'"'],
)
def test_a_damaged_file_is_as_good_as_none(leaderboard: Leaderboard, data: bytes) -> None:
    assert read_verdicts(data) == {}
    leaderboard.write("results", AVAILABILITY, data)
    inspector = World(here=True).inspector(leaderboard)
    inspector.inspect()
    assert inspector.presences == {"acme/here": Presence(True)}


def test_the_board_follows_what_is_found_out(leaderboard: Leaderboard) -> None:
    leaderboard.add_result("acme/here", scores=scores(0.5))
    leaderboard.add_result("acme/gone", scores=scores(0.5))
    leaderboard.add_request(model="acme/gone", status=Status.FINISHED, extra={"still_on_hub": True})
    world = World(here=True, gone=None)
    inspector = world.inspector(leaderboard)
    keeper = Keeper(leaderboard.requests, leaderboard.results, TASKS, presences=lambda: inspector.presences)
    keeper.sync()
    assert keeper.models == {"acme/here", "acme/gone"}
    inspector.inspect()
    keeper.sync()
    board = keeper.now.board
    assert {row.model: row.is_available for row in board.standings.rows} == {
        "acme/here": True,
        "acme/gone": True,
    }
    world.said["acme/gone"] = False
    world.time += CHECKED_AGAIN_AFTER
    inspector.inspect()
    keeper.sync()
    shown = view(keeper.now.board.standings, ViewState(filters={"without": {GONE}}))
    assert [line.row.model for line in shown.lines] == ["acme/here"]
    keeper.sync()
    assert keeper.now.board.standings.rows[0].is_available is not None


# What counts as gone


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def models(hub: Hub, token: str | None) -> HubModels:
    return HubModels(Client(token, endpoint=hub.url, patience=0))


def test_gone_is_only_what_the_hub_does_not_find_for_a_valid_token(hub: Hub) -> None:
    token = hub.add_user("alice")
    hub.add_model("acme/here", {"config.json": "{}"})
    hub.add_model("acme/gated", {"config.json": "{}"}, gated="manual")
    hub.add_model("alice/private", {"config.json": "{}"}, private=True)
    assert models(hub, token).presence("acme/here") == Presence(True)
    assert models(hub, token).presence("acme/gated") == Presence(True)
    assert models(hub, token).presence("alice/private") is None
    assert models(hub, token).presence("acme/gone") == Presence(False)
    hub.add_model("acme/merged", {"README.md": "---\ntags: [merge, text-generation, 7]\n---\n"})
    assert models(hub, token).presence("acme/merged") == Presence(True, frozenset({"merge"}))
    assert models(hub, None).presence("acme/gone") is None
    for poor, fault in (("hf_wrong", None), (token, Fault.SERVER_ERROR), (token, Fault.LOST_REQUEST)):
        if fault:
            hub.faults.strike_next(fault)
        with pytest.raises(ModelError):
            models(hub, poor).presence("acme/gone")
