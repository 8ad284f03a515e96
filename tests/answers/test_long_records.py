"""One record may be longer than an answer: what is cut is named, with its length and the way to the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.budget import NoSuchPart, fitted, part_of, size_of

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=30) | st.dictionaries(st.text("abc_", min_size=1, max_size=8), inner, max_size=8)
    ),
    max_leaves=60,
)


@given(
    data=st.dictionaries(st.text("abc", min_size=1, max_size=4), JSON_VALUES, max_size=6), budget=st.integers(900, 4000)
)
def test_whatever_is_cut_fits_and_is_named(data: dict[str, Any], budget: int) -> None:
    shown, cuts = fitted(data, budget)
    assert size_of(shown) <= budget
    assert bool(cuts) == (shown != data)
    for cut in cuts:
        path = cut["part"]
        assert part_of(data, path, 4_000)["part"] == path.partition("@")[0]


@given(html=st.text(min_size=1, max_size=60_000), budget=st.integers(1_000, 9_000))
def test_a_long_text_is_read_to_its_end_part_by_part(html: str, budget: int) -> None:
    data = {"record": {"id": "X", "html": html}}
    read, part = "", "record.html"
    while part:
        found = part_of(data, part, budget)
        assert len(json.dumps(found, ensure_ascii=False)) <= budget
        read += found["value"]
        part = found.get("next_part", "")
    assert read == html


@given(
    items=st.lists(
        st.dictionaries(st.text("abc", max_size=3), st.text(max_size=100), max_size=4), min_size=1, max_size=80
    )
)
def test_a_long_list_is_read_to_its_end_part_by_part(items: list[Any]) -> None:
    read, part = [], "record.rows"
    while part:
        found = part_of({"record": {"rows": items}}, part, 1_200)
        read += found["value"]
        part = found.get("next_part", "")
    assert read == items


def test_a_part_that_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(NoSuchPart, match=r"no 'body' in record \(keys: id, html\)"):
        part_of({"record": {"id": 1, "html": "x"}}, "record.body", 1_000)
    with pytest.raises(NoSuchPart, match="text"):
        part_of({"record": {"id": "x"}}, "record.id.more", 1_000)
