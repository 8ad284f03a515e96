"""Rows as CSV, as Excel takes it, and as Parquet."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from klaviyo_mcp.jobs.export_kind import ExportKind
from klaviyo_mcp.jobs.writing import MOST_COLUMNS, line_of, rows_of, write_csv, write_parquet

KIND = ExportKind(
    name="things",
    title="Things",
    action="get_things",
    arguments={},
    columns=["id", "name", "place.city"],
    open="properties",
    times=["created"],
)
ROWS: list[dict[str, Any]] = [
    {"id": "1", "name": 'Ünï, "Ko"\nGmbH', "place": {}, "created": "2026-01-01T00:00:00+02:00", "nothing": None},
    {"id": "2", "name": "=HYPERLINK(1)", "place": {"city": "Oslo"}, "properties": {"b": 1, "a": [1, 2]}},
    {"id": "3", "name": None, "properties": {"b": 2.5, "c.d": True, "mixed": 1}},
    {"id": "4", "properties": {"mixed": "two", "-x": "-12"}},
]


def _written(rows: list[dict[str, Any]], folder: Path, *, excel: bool = False) -> str:
    (folder / "rows").write_bytes(b"".join(map(line_of, rows)))
    to = io.BytesIO()
    write_csv(rows_of(folder / "rows"), KIND, to, excel=excel)
    return to.getvalue().decode()


def test_a_table_has_the_kinds_columns_and_then_all_that_any_row_has(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(_written(ROWS, tmp_path), newline="")))
    assert list(rows[0]) == [
        *("id", "name", "place.city", "created"),
        *("properties.-x", "properties.a", "properties.b", "properties.c.d", "properties.mixed"),
    ]
    assert [row["name"] for row in rows] == [ROWS[0]["name"], "=HYPERLINK(1)", "", ""]
    assert rows[1]["properties.a"] == "[1,2]"
    assert rows[0]["place.city"] == ""


def test_excel_gets_a_mark_and_no_formula(tmp_path: Path) -> None:
    text = _written(ROWS, tmp_path, excel=True)
    assert text.startswith("\ufeffid,name,")
    assert ",'=HYPERLINK(1)," in text or "2,'=HYPERLINK(1)," in text
    assert text.rstrip().endswith(",-12,,,,two")
    assert not _written(ROWS, tmp_path).startswith("\ufeff")


def test_too_many_invented_names_are_one_column_of_json(tmp_path: Path) -> None:
    many = [*ROWS, {"id": "5", "properties": {f"p{number}": number for number in range(MOST_COLUMNS + 1)}}]
    rows = list(csv.DictReader(io.StringIO(_written(many, tmp_path), newline="")))
    assert list(rows[0]) == ["id", "name", "place.city", "created", "properties"]
    assert rows[3]["properties"] == '{"mixed":"two","-x":"-12"}'


def test_nothing_is_a_table_of_its_columns(tmp_path: Path) -> None:
    assert _written([], tmp_path) == "id,name,place.city\r\n"


def test_parquet_has_a_type_for_each_column(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    (tmp_path / "rows").write_bytes(b"".join(map(line_of, ROWS)))
    with (tmp_path / "file").open("wb") as to:
        write_parquet(rows_of(tmp_path / "rows"), KIND, to)
    table = parquet.read_table(tmp_path / "file")
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        **dict.fromkeys(["id", "name", "place.city", "properties.-x", "properties.a", "properties.mixed"], "string"),
        "created": "timestamp[us, tz=UTC]",
        "properties.b": "double",
        "properties.c.d": "bool",
    }
    assert table.column("properties.mixed").to_pylist() == [None, None, "1", "two"]
    assert str(table.column("created").to_pylist()[0]) == "2025-12-31 22:00:00+00:00"
