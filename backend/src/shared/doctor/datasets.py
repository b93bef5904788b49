"""Checks of the two datasets: whether they are there, can be read and written, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import StoreError
from ..stores.hub import FAILURES, Hub
from ..stores.hub_store import HubStore
from ..stores.store import Store
from ..stores.whose import Role, Whose
from .finding import Finding, green, warning, wrong

ONE_IS_PRIVATE = (
    "{private} is private, but {public} is not, so visitors follow links of the page that lead nowhere. Give "
    "both the same visibility in their settings on the Hub."
)
NO_OTHER = (
    "No {role} Space has ever used {store}. If yours is running, its OWNER, QUEUE_REPO or RESULTS_REPO "
    "differ from this Space's: set the same ones in both."
)


def check_dataset(store: Store, whose: Whose, *, is_used: bool = False) -> list[Finding]:
    """Check whether a dataset can be read and written, and whose it is. Nothing is written.

    `is_used` says whether the other side was seen at work: a worker outside a Space leaves no Space's name.
    """
    checked = str(store)
    try:
        snapshot = store.snapshot()
    except StoreError as error:
        return [wrong(checked, str(error))]
    found = []
    try:
        store.check_writing()
    except StoreError as error:
        found.append(wrong(checked, str(error)))
    try:
        spaces = whose.look(store, snapshot)
    except StoreError as error:
        found.append(wrong(checked, str(error)))
    else:
        other = Role.BACKEND if whose.role is Role.FRONTEND else Role.FRONTEND
        if whose.space and spaces.get(whose.role) and not spaces.get(other) and not is_used:
            found.append(warning(checked, NO_OTHER.format(role=other.name.lower(), store=store)))
    number = len(snapshot.files)
    return found or [green(checked, f"It can be read and written, and has {number:,} files.")]


def check_visibility(hub: Hub, stores: tuple[Store, Store]) -> Iterator[Finding]:
    """Yield a finding about the visibility of two datasets on the Hub. It costs a call each."""
    if not all(isinstance(store, HubStore) for store in stores):
        return
    try:
        first, second = (
            bool(hub.call(hub.api.dataset_info, str(each), expand=["private"]).private) for each in stores
        )
    except FAILURES:  # the check of the dataset itself has said so
        return
    if first != second:
        private, public = stores if first else reversed(stores)
        yield warning("visibility", ONE_IS_PRIVATE.format(private=private, public=public))
    else:
        yield green("visibility", f"Both datasets are {'private' if first else 'public'}.")
