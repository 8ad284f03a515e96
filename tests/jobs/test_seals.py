"""What is kept of rows, packed and sealed one by one."""

import io
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.jobs import tables as tables_module
from klaviyo_mcp.jobs import uploads as uploads_module
from klaviyo_mcp.jobs.errors import SealBroken
from klaviyo_mcp.jobs.item_text import written
from klaviyo_mcp.jobs.items import Rejected
from klaviyo_mcp.jobs.outputs import Outputs
from klaviyo_mcp.jobs.reading_out import Place
from klaviyo_mcp.jobs.resealing import SEALED, Resealed, reseal
from klaviyo_mcp.jobs.seals import READ_TOGETHER, Seals
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.jobs.uploads import Most, Uploads
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


def test_all_that_is_sealed_is_sealed_anew_while_it_is_worked_with(tmp_path: Path) -> None:
    old, new = (Fernet(Fernet.generate_key()) for _ in range(2))
    held = [old]
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.sqlite'}", Seals(MultiFernet([old]), lambda: MultiFernet(held)))
    outputs, uploads = Outputs(store, 1_000), Uploads(store)
    upload = uploads.add("us", "US", "fair.csv", "CSV", io.BytesIO(b"a\n1\n"), 4, Most(1, 10))
    target = {"form": "jsonl", "path": "", "excel": False, "in_database": True}
    store.add(Job("1", "us", "queued", {"does": "export", "target": target}))
    store.claim(store.job("1"), "worker", only=("queued",))
    outputs.going_on(store.job("1"), Place(pages=1)).add([{"id": "1"}])
    store.add_chunk("1", 0, [2], [b'[2,{},"",""]'])
    store.reject("1", 0, [Rejected(3, "raw", "why", "", "")])
    lost = Fernet(Fernet.generate_key()).encrypt(b"of a key that is gone")
    with store.engine.begin() as connection:
        row = {"job": "2", "part": "sent", "rows": 1, "body": lost}
        connection.execute(sa.text("INSERT INTO klaviyo_job_rejected VALUES (:job, :part, :rows, :body)"), row)

    with store.engine.begin() as connection:  # broken off before it came to all of it
        connection.execute(
            sa.text("UPDATE klaviyo_uploads SET sealed = :sealed"),
            {"sealed": Seals(MultiFernet([new])).seal(["fair.csv", "CSV"], f"us/{upload.id}")},
        )
    held[:] = [new, old]
    assert reseal(store.engine, new, MultiFernet(held)) == Resealed(4, 1)
    assert reseal(store.engine, new, MultiFernet(held)) == Resealed(0, 1)
    held[:] = [new]
    assert store.chunk("1", 0).items == [[2, {}, "", ""]], "a process that had the old key looks for the new one"
    assert [row.raw for row in store.rejected("1", "checked")] == ["raw"]
    assert b"".join(outputs.content("1")) == b'{"id":"1"}\n'
    assert uploads.write("us", upload.id, tmp_path).read_bytes() == b"a\n1\n"
    store.close()


def test_the_list_of_what_is_sealed_has_every_column_of_bytes() -> None:
    plain = {("klaviyo_job_chunks", "lines")}
    columns = {
        (table.name, column.name)
        for tables in (tables_module.TABLES, uploads_module._tables)
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    assert columns - plain == {(name, column) for name, _, column in SEALED}
