"""What maintainers did holds on the board, and for submissions, until it is undone."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from src.board.keeper import Keeper
from src.page import notices
from src.shared.data.names import ACTS, BLOCKLIST, FLAGS
from src.shared.data.request import Status
from src.shared.moderation.acts import Act, Done, Moderation, record, write_acts
from src.shared.stores.store import Snapshot
from src.submitting.desk import NotAccepted
from src.submitting.submitter import Submitter
from support.boards import NOW, TASKS, Leaderboard, run_at, scores
from support.waiting import PATIENCE, wait_for

ALICE = Submitter("alice")


def do(leaderboard: Leaderboard, act: Act, name: str = "acme/tiny", reason: str = "It is spam.") -> None:
    record(leaderboard.requests, Done(act=act, name=name, reason=reason, by="bob", at=NOW))
    leaderboard.keeper.sync()


def models(leaderboard: Leaderboard) -> list[str]:
    return sorted(row.model for row in leaderboard.keeper.now.board.standings.rows)


def refusal(leaderboard: Leaderboard, model: str = "acme/tiny") -> str:
    with pytest.raises(NotAccepted) as error:
        leaderboard.desk.submit(leaderboard.form(model), ALICE)
    return str(error.value)


@pytest.fixture
def two(leaderboard: Leaderboard) -> Leaderboard:
    """Two models with a result each, that can be submitted."""
    for model in ("acme/tiny", "acme/other"):
        leaderboard.add_model(model)
        leaderboard.add_result(model, scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    return leaderboard


def test_a_flag_of_a_maintainer_is_one_of_the_owners_and_the_owners_reason_wins(two: Leaderboard) -> None:
    two.write("requests", FLAGS, b"models:\n- acme/other: says the owner\n")
    do(two, Act.FLAG, "acme/other", "says bob")
    do(two, Act.FLAG, "ACME/Tiny", "says bob")
    flags = {row.model: row.flag for row in two.keeper.now.board.standings.rows}
    assert flags == {"acme/tiny": "says bob", "acme/other": "says the owner"}
    do(two, Act.UNFLAG)
    assert {row.flag for row in two.keeper.now.board.standings.rows} == {None, "says the owner"}


def test_a_hidden_model_is_not_shown_and_not_accepted_until_it_is_shown_again(two: Leaderboard) -> None:
    do(two, Act.HIDE)
    assert models(two) == ["acme/other"]
    assert "'acme/tiny' is not evaluated here: It is spam. Ask" in refusal(two)
    do(two, Act.SHOW)
    assert models(two) == ["acme/other", "acme/tiny"]
    assert two.desk.submit(two.form(), ALICE).request.status is Status.PENDING


def test_a_pattern_hides_all_that_it_fits(two: Leaderboard) -> None:
    do(two, Act.HIDE, "acme/t*")
    assert models(two) == ["acme/other"]


def test_a_blocked_model_keeps_its_row_and_is_not_accepted(two: Leaderboard) -> None:
    do(two, Act.BLOCK)
    assert models(two) == ["acme/other", "acme/tiny"]
    assert "It is spam." in refusal(two)


def test_a_blocked_user_cannot_submit_whatever_the_letter_case(two: Leaderboard) -> None:
    do(two, Act.BLOCK_USER, "ALICE")
    assert "alice may not submit here: It is spam." in refusal(two)
    two.write("requests", BLOCKLIST, b"users:\n- alice: says the owner\n")
    two.keeper.sync()
    assert "alice may not submit here: says the owner" in refusal(two)
    do(two, Act.UNBLOCK_USER, "alice")
    assert "says the owner" in refusal(two)


def test_results_of_before_a_removal_stay_away_and_a_new_run_is_shown(two: Leaderboard) -> None:
    do(two, Act.REMOVE)
    assert models(two) == ["acme/other"]
    two.add_result("acme/tiny", run=run_at(23), scores=scores(0.4, 0.4, 0.4))  # it began an hour earlier
    two.keeper.sync()
    assert models(two) == ["acme/other"]
    two.add_result("acme/tiny", run=run_at(25), scores=scores(0.3, 0.3, 0.3))
    two.keeper.sync()
    [row] = [row for row in two.keeper.now.board.standings.rows if row.model == "acme/tiny"]
    assert [result.run for result in row.runs] == [run_at(25)]


def test_a_result_without_a_run_counts_by_its_end(two: Leaderboard) -> None:
    file = two.folder / "results" / two.add_result("acme/tiny", run=run_at(0), leaderboard={})
    file.rename(file.with_name("results_2026-02-01T11-00-00.000000.json"))
    do(two, Act.REMOVE)
    assert models(two) == ["acme/other"]
    new = file.with_name("results_2026-02-01T13-00-00.000000.json")
    file.with_name("results_2026-02-01T11-00-00.000000.json").rename(new)
    two.keeper.sync()
    assert models(two) == ["acme/other", "acme/tiny"]


def test_a_removed_model_can_be_submitted_again(two: Leaderboard) -> None:
    do(two, Act.REMOVE)
    assert two.desk.submit(two.form(), ALICE).request.status is Status.PENDING


def test_a_closed_board_takes_no_submission_and_says_why(two: Leaderboard) -> None:
    path = two.desk.submit(two.form(), ALICE).path
    do(two, Act.CLOSE, "", "We move to version 2.")
    assert two.keeper.now.cannot_submit == "Submissions are closed: We move to version 2."
    banner = notices.banner(two.keeper.now, notice="")
    assert banner.strip() == (
        '<div class="note" role="status">Submissions are closed: We move to version 2.</div>'
    )
    assert "Submissions are closed: We move to version 2." in refusal(two, "acme/other")
    assert two.desk.withdraw(path, ALICE).result().request.status is Status.CANCELLED
    with pytest.raises(NotAccepted, match="We move to version 2"):
        two.desk.hand_in_again(path, ALICE)
    do(two, Act.OPEN, "", "")
    assert two.keeper.now.cannot_submit == ""
    assert two.desk.hand_in_again(path, ALICE).result().request.status is Status.PENDING


def test_a_board_that_is_closed_at_this_moment_refuses_what_passed_the_first_look(two: Leaderboard) -> None:
    """The page's board is older than the dataset; the decision reads it again."""
    record(two.requests, Done(act=Act.CLOSE, name="", reason="We move.", by="bob", at=NOW))
    assert not two.keeper.now.cannot_submit
    assert "We move." in refusal(two)


def test_while_the_acts_cannot_be_read_the_last_ones_count_and_nothing_is_accepted(two: Leaderboard) -> None:
    do(two, Act.HIDE)
    two.write("requests", ACTS, b"{")
    two.keeper.sync()
    assert models(two) == ["acme/other"]
    told = two.keeper.now.cannot_submit
    assert told.startswith(
        "The file of maintainers' acts, .leaderboard/acts.json in the requests dataset, cannot be read: "
    )
    assert "it is not valid JSON" in told
    assert told.endswith(
        "Submissions are closed until it is fixed. The acts that were read before still count."
    )
    assert '<div class="note bad" role="alert">' in notices.banner(two.keeper.now, notice="")
    assert told in refusal(two, "acme/other")
    two.write("requests", ACTS, write_acts(Moderation()))
    two.keeper.sync()
    assert (models(two), two.keeper.now.cannot_submit) == (["acme/other", "acme/tiny"], "")


def test_after_a_start_with_acts_that_cannot_be_read_the_page_says_what_it_may_show(two: Leaderboard) -> None:
    two.write("requests", ACTS, b"{")
    keeper = Keeper(two.requests, two.results, TASKS, clock=lambda: NOW)
    keeper.sync()
    assert len(keeper.now.board.standings.rows) == 2
    assert keeper.now.cannot_submit.endswith("Until then this page may show models that were hidden.")


def test_the_board_has_what_the_owner_wrote_by_hand_apart(two: Leaderboard) -> None:
    two.write("requests", BLOCKLIST, b"models:\n- acme/bad: by hand\n")
    two.write("requests", FLAGS, b"models:\n- acme/odd\n")
    do(two, Act.BLOCK)
    board = two.keeper.now.board
    assert board.blocked_by_hand.models == {"acme/bad": "by hand"}
    assert board.flagged_by_hand == {"acme/odd": ""}
    assert [done.name for done in board.moderation.acts] == ["acme/tiny"]


def test_a_reading_that_ends_late_replaces_no_newer_board(
    two: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a maintainer hid must not come back because an older reading was still under way."""
    snapshot, is_reading, may_go_on = two.results.snapshot, Event(), Event()

    def slowly() -> Snapshot:
        is_reading.set()
        assert may_go_on.wait(PATIENCE)
        return snapshot()

    monkeypatch.setattr(two.results, "snapshot", slowly)
    late = Thread(target=two.keeper.sync)
    late.start()
    assert is_reading.wait(PATIENCE)  # it has read the requests
    act = Thread(target=do, args=(two, Act.HIDE))
    act.start()
    wait_for(lambda: ACTS in two.requests.snapshot().files, what="the act to be written")
    may_go_on.set()
    for thread in (late, act):
        thread.join(PATIENCE)
    assert models(two) == ["acme/other"]
