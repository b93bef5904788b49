"""The interpreter is set so that the page answers quickly while something large is worked on."""

import gc
import sys
from collections.abc import Iterator

import pytest

from src.page.interpreter import SWITCH_SECONDS, switch_often, without_pauses


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    seconds = sys.getswitchinterval()
    yield
    sys.setswitchinterval(seconds)
    gc.unfreeze()


def test_threads_take_turns_more_often_than_by_themselves() -> None:
    before = sys.getswitchinterval()
    switch_often()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert before > SWITCH_SECONDS


def test_the_garbage_collector_leaves_a_new_version_alone_and_only_a_new_one() -> None:
    version, synced = 1, 0

    def sync() -> None:
        nonlocal synced
        synced += 1

    sync_and_set_aside = without_pauses(sync, lambda: version)
    gc.unfreeze()
    sync_and_set_aside()
    assert (synced, gc.get_freeze_count()) == (1, 0)
    version = 2
    sync_and_set_aside()
    assert synced == 2
    assert gc.get_freeze_count() > 1000
    gc.unfreeze()
    sync_and_set_aside()
    assert (synced, gc.get_freeze_count()) == (3, 0)
