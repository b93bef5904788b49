"""What anybody may write into a JSON file, for tests with hypothesis."""

import json
from collections.abc import Mapping

from hypothesis import strategies as st

numbers = st.integers() | st.floats() | st.integers(min_value=10**300, max_value=10**400)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def json_files(
    needed: Mapping[str, st.SearchStrategy[object]], likely: Mapping[str, st.SearchStrategy[object]]
) -> st.SearchStrategy[bytes]:
    """Any bytes, any JSON, and objects with the needed and the likely keys, some of which hold anything."""
    wrong = st.dictionaries(st.sampled_from([*needed, *likely]), json_values, max_size=2)
    right = st.fixed_dictionaries(dict(needed), optional=dict(likely))
    objects = right | st.tuples(right, wrong).map(lambda both: both[0] | both[1])
    written = (json_values | objects).map(lambda value: json.dumps(value).encode())
    return st.binary() | written
