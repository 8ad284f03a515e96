"""Rows of Parquet, by the extra `parquet`."""

import base64
import datetime
import decimal
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem
from klaviyo_mcp.loose_json import is_list, is_object

AT_A_TIME = 1_000
"""Rows that are in memory at a time, beside what Parquet keeps of a column."""


def parquet_columns(path: Path) -> list[str]:
    """The names of a file's columns."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def parquet_rows(path: Path) -> Iterator[Row | BadRow]:
    """Every row, numbered from 1. What has no value is left out, times are RFC 3339, bytes are base64."""
    number = 0
    with _opened(path) as file:
        try:
            for batch in file.iter_batches(batch_size=AT_A_TIME):
                for values in batch.to_pylist():
                    number += 1
                    yield _row(number, values)
        except (OSError, ValueError) as error:
            raise _damaged(path) from error


def _opened(path: Path) -> Any:
    try:
        # An extra, and 0.2 s.
        from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise SourceProblem(
            f"{path.name} is Parquet, and what reads it is not installed",
            "Install the extra: pip install 'klaviyo-mcp[parquet]', or give the rows as CSV or JSONL.",
        ) from None
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> SourceProblem:
    return SourceProblem(f"{path.name} is damaged, cut off, or no Parquet", "Copy it once more, or write it anew.")


def _row(number: int, values: dict[str, Any]) -> Row | BadRow:
    try:
        plain = {name: _plain(value) for name, value in values.items() if value is not None}
    except (ValueError, RecursionError) as error:
        return BadRow(number, "", str(error))
    return Row(number, plain, json.dumps(plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    """A value as JSON has it. Raises ValueError for one that JSON has not."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("has a number that is none, or infinite")
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time | datetime.timedelta):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if is_object(value):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    return [_plain(inner) for inner in value] if is_list(value) else value
