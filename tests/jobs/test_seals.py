"""What is kept of rows, packed and sealed one by one."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.jobs.errors import SealBroken
from klaviyo_mcp.jobs.item_text import written
from klaviyo_mcp.jobs.seals import READ_TOGETHER, Seals
from klaviyo_mcp.loose_json import LONG_LIST, checked_json, compact_json, json_bytes

ROWS: list[Any] = [[line, {"name": f"Łukasz\r\n\u2028{line}"}, "", "a,b"] for line in range(READ_TOGETHER + 1)]

TEXTS = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(["NaN", "Infinity", "\ud800", "\x7f\u2028"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


def test_rows_come_back_as_they_were_and_for_their_chunk_alone() -> None:
    seals = Seals(MultiFernet([Fernet(Fernet.generate_key())]))
    sealed = seals.seal_rows((json_bytes(row) for row in ROWS), "job/1")
    assert seals.open_rows(sealed, "job/1") == ROWS
    assert b"ukasz" not in sealed
    for opener, for_ in ((seals, "job/2"), (Seals(MultiFernet([Fernet(Fernet.generate_key())])), "job/1")):
        with pytest.raises(SealBroken):
            opener.open_rows(sealed, for_)


@pytest.mark.parametrize(
    "value",
    [
        *({}, [], None, 1.5, "é", {"a": {"b": [1, "ü", None]}}, ROWS, {"data": ROWS, "é": {"x": []}}),
        [[1]] * (LONG_LIST + 1),
    ],
    ids=lambda value: str(value)[:30],
)
def test_json_made_item_by_item_is_the_json_of_the_whole(value: Any) -> None:
    assert json_bytes(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@given(JSON_VALUES)
def test_what_is_written_fast_is_what_json_writes(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert compact_json(value, "surrogatepass") == text.encode("utf-8", "surrogatepass")
    with suppress(UnicodeEncodeError):
        assert written(value) == (text, len(text.encode()))


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"] * 100, {"\ud800": 1}, {"a": {1, 2}}, datetime.now(UTC)])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        list(checked_json(value))
    if "\ud800" in str(value):
        with pytest.raises(ValueError, match="surrogates"):
            json_bytes(value)
