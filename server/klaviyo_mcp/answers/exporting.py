"""A list of records as a file: CSV for spreadsheets (RFC 4180), or JSON Lines.

CSV is UTF-8 without a mark, lines end in CRLF, the first has the names: dotted ones for what lies in objects. Lists are
JSON in their cell, null and missing are empty. Text that a spreadsheet would take for a formula, as it begins with
`=`, `+`, `-`, `@`, a tab or a line break, gets an apostrophe before it, unless it is a plain number: names and
properties are written by anyone. JSON Lines has the records as they are.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from klaviyo_mcp.answers.dotted import flat
from klaviyo_mcp.loose_json import is_list, is_object

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Signs that begin a formula; the last four are the wide ones of East Asian keyboards."""
PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def as_csv(records: Sequence[Any]) -> str:
    """The records as CSV; what is no object has the column `value`."""
    rows = [flat(record if is_object(record) else {"value": record}) for record in records]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(guarded(name) for name in columns)
    for row in rows:
        writer.writerow(cell(row.get(name)) for name in columns)
    return text.getvalue()


def as_jsonl(records: Sequence[Any]) -> str:
    """The records, one to a line."""
    return "".join(f"{json.dumps(record, ensure_ascii=False, separators=(',', ':'))}\n" for record in records)


def cell(value: Any, *, guard: bool = True) -> str:
    """What stands in a cell of CSV; with `guard`, no text of it is a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value) if guard else value
    if is_object(value) or is_list(value) or isinstance(value, bool):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def guarded(text: str) -> str:
    """A text with an apostrophe before it, where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) and not PLAIN_NUMBER.fullmatch(text) else text
