"""The rows of an export as a file: JSON Lines as they are, or CSV or Parquet with the columns that any row has.

Rows are first written as JSON Lines; a table is made of them once all columns are known, in two passes, so that no
column is missed and memory holds a few rows. A table's columns are dotted names: first those that the kind always has,
then all others that have a value in any row, in alphabetical order. Where an object that anybody may add to has more
than MOST_COLUMNS names, it is one column of JSON.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from klaviyo_mcp.answers.dotted import flat
from klaviyo_mcp.answers.exporting import cell, guarded
from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.jobs.export_kind import ExportKind
from klaviyo_mcp.loose_json import JSON, is_list, is_object

FORMS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
"""By the end of a file's name, its form."""
MOST_COLUMNS = 1_000
CELLS_TOGETHER = 500_000
"""Cells of a Parquet file that are in memory at a time."""
MOST_ROWS_TOGETHER = 10_000
LONGEST_INTEGER = 2**63
MARK = "\ufeff"
NEEDS_ARROW = 'Install it with: pip install "klaviyo-mcp[parquet]", or write CSV or JSONL.'


@dataclass(slots=True)
class Table:
    """The columns of a table by name, each with the types that its values have; `whole` are objects kept as one."""

    columns: dict[str, set[str]]
    whole: set[str] = field(default_factory=set[str])

    def row(self, record: JSON) -> JSON:
        """A record with dotted names."""
        packed = {name: record[name] for name in self.whole if record.get(name)}
        rest = {name: value for name, value in record.items() if name not in self.whole}
        return {**flat(rest), **{name: _packed(value) for name, value in packed.items()}}


def table_of(kind: ExportKind, rows: Iterator[JSON]) -> Table:
    """The columns that these rows need."""
    known = {name: set[str]() for name in kind.columns}
    found: dict[str, set[str]] = {}
    whole = False
    for record in rows:
        for name, value in flat(record).items():
            if value is None or value == {}:
                continue
            opened = bool(kind.open) and name.startswith(f"{kind.open}.")
            if opened and whole:
                continue
            types = known[name] if name in known else found.setdefault(name, set())
            types.add(_type(value, time=name in kind.times))
            if opened and len(found) > MOST_COLUMNS and not whole:
                whole = True
                found = {name: types for name, types in found.items() if not name.startswith(f"{kind.open}.")}
    if whole:
        found[kind.open] = {"text"}
    columns = known | {name: found[name] for name in sorted(found)}
    return Table(columns, {kind.open} if whole else set())


def write_csv(rows: "Rows", kind: ExportKind, to: IO[bytes], *, excel: bool) -> None:
    """CSV by RFC 4180 in UTF-8. With `excel`, a mark says so, and text that would be a formula has an apostrophe."""
    table = table_of(kind, rows())
    text = io.TextIOWrapper(to, encoding="utf-8", newline="", errors="replace")
    try:
        text.write(MARK if excel else "")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(guarded(name) if excel else name for name in table.columns)
        for record in rows():
            row = table.row(record)
            writer.writerow(cell(row.get(name), guard=excel) for name in table.columns)
        text.flush()
    finally:
        text.detach()


def write_parquet(rows: "Rows", kind: ExportKind, to: IO[bytes]) -> None:
    """Parquet with a type for each column: whole numbers, numbers, true or false, times in UTC, else text.

    Lists are JSON in text. Raises JobProblem without pyarrow.
    """
    pyarrow, parquet = _pyarrow()
    table = table_of(kind, rows())
    arrow: dict[str, Any] = {
        "whole": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "time": pyarrow.timestamp("us", tz="UTC"),
        "text": pyarrow.string(),
    }
    kinds = {name: _common(types, time=name in kind.times) for name, types in table.columns.items()}
    schema = pyarrow.schema([(name, arrow[one]) for name, one in kinds.items()])
    together = max(1, min(MOST_ROWS_TOGETHER, CELLS_TOGETHER // max(1, len(kinds))))
    records = (table.row(record) for record in rows())
    with parquet.ParquetWriter(to, schema, compression="zstd") as writer:
        while batch := list(islice(records, together)):
            arrays = [
                pyarrow.array([_as(row.get(name), one) for row in batch], arrow[one]) for name, one in kinds.items()
            ]
            writer.write_batch(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))


Rows = Callable[[], Iterator[JSON]]
"""Goes through the rows from the beginning, as often as it is called."""


def rows_of(path: Path) -> Rows:
    """The rows of a file of JSON Lines."""

    def rows() -> Iterator[JSON]:
        with path.open("rb") as file:
            yield from map(json.loads, file)

    return rows


def rows_in(file: IO[bytes]) -> Rows:
    """The rows of an open file of JSON Lines, which nothing else reads meanwhile."""

    def rows() -> Iterator[JSON]:
        file.seek(0)
        yield from map(json.loads, file)

    return rows


def line_of(row: JSON) -> bytes:
    """A row as a line of JSON Lines."""
    return f"{_packed(row)}\n".encode("utf-8", "replace")


def need_parquet() -> None:
    """Raises JobProblem where Parquet files cannot be written: before anything is read for one."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise JobProblem("Parquet files are written by pyarrow, which is not installed.", NEEDS_ARROW)


def _pyarrow() -> tuple[Any, Any]:
    """Pyarrow and its Parquet: an extra, 0.2 s, and without types. Raises JobProblem where it is not installed."""
    try:
        import pyarrow  # pyright: ignore[reportMissingTypeStubs]
        from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise JobProblem("Parquet files are written by pyarrow, which is not installed.", NEEDS_ARROW) from None
    return pyarrow, parquet


def _packed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _type(value: Any, *, time: bool) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "whole" if -LONGEST_INTEGER <= value < LONGEST_INTEGER else "text"
    if isinstance(value, float):
        return "number"
    return "time" if time and isinstance(value, str) and _moment(value) is not None else "text"


def _common(types: set[str], *, time: bool) -> str:
    """The one type that holds all of these; that of a column without any value is what the kind says."""
    if not types:
        return "time" if time else "text"
    if types <= {"whole", "number"}:
        return "number" if "number" in types else "whole"
    return next(iter(types)) if len(types) == 1 else "text"


def _as(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "text":
        return value if isinstance(value, str) else _packed(value)
    if kind == "time":
        return _moment(value)
    return float(value) if kind == "number" else None if is_object(value) or is_list(value) else value


def _moment(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
