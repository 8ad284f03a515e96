"""What is kept of rows, packed and sealed one by one."""

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet

from klaviyo_mcp.jobs.errors import SealBroken
from klaviyo_mcp.jobs.seals import READ_TOGETHER, Seals
from klaviyo_mcp.loose_json import LONG_LIST, json_bytes

ROWS: list[Any] = [[line, {"name": f"Łukasz\r\n\u2028{line}"}, "", "a,b"] for line in range(READ_TOGETHER + 1)]


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


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"] * 100, {"\ud800": 1}, {"a": {1, 2}}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        json_bytes(value)
