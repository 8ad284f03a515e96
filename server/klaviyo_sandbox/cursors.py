"""Cursors: places between two items of a collection, as the opaque texts that links hold.

Unpadded base64 of `next::id::01JX…` in the order of ids, and in another of
`next::created::2026-09-04 13:40:13+00:00::id::01JX…`, in which the value is left out where the item has none.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from klaviyo_sandbox.clock import microseconds, moment_of, parse_moment
from klaviyo_sandbox.declare import Resource
from klaviyo_sandbox.facts import ColumnKind
from klaviyo_sandbox.identifiers import well_formed
from klaviyo_sandbox.loose_json import items

_ID = "::id::"
_SECOND = 1_000_000

SortValue = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to order by; ties are broken by id, in the same direction.

    name: what callers call it, where that is not the column
    kind: what it holds
    """

    column: str
    descending: bool = False
    name: str = ""
    kind: ColumnKind = "text"


BY_ID = Sort("id")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two items: the sort value and id of the item next to it, and the way to read on from there."""

    value: SortValue
    id: str
    forward: bool


def write_cursor(cursor: Cursor, sort: Sort, resource: Resource) -> str:
    """The text of a cursor, in the form that the resource's collections use."""
    if resource.cursors == "ids" and cursor.forward and sort.column == "id":
        return cursor.id
    if resource.cursors == "seconds" and sort.column != "id":
        return _encoded(json.dumps([_seconds(cursor.value), cursor.id, cursor.forward]))
    way = "next" if cursor.forward else "prev"
    if sort.column == "id":
        return _encoded(f"{way}{_ID}{cursor.id}")
    value = "" if cursor.value is None else f"::{_written(cursor.value, sort.kind)}"
    return _encoded(f"{way}::{sort.name or sort.column}{value}{_ID}{cursor.id}")


def read_cursor(text: str, sort: Sort, resource: Resource) -> Cursor:
    """The cursor that a text stands for. Raises ValueError where it is none, or one of another order."""
    if resource.cursors == "ids" and sort.column == "id" and well_formed(resource.ids, text):
        return Cursor(None, text, forward=True)
    plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    if resource.cursors == "seconds" and sort.column != "id":
        return _of_seconds(items(json.loads(plain)))
    way, _, rest = plain.partition("::")
    if sort.column == "id":
        value, identifier = None, rest.removeprefix("id::") if rest.startswith("id::") else ""
    else:
        value, identifier = _value_and_id(rest, sort)
    if way not in ("next", "prev") or not identifier:
        raise ValueError(text)
    return Cursor(value, identifier, way == "next")


def _value_and_id(rest: str, sort: Sort) -> tuple[SortValue, str]:
    name = sort.name or sort.column
    if not rest.startswith(f"{name}::"):
        raise ValueError(rest)
    # A text may hold the mark itself, an id of somebody's choice may do so where the value is no text.
    parts = rest.removeprefix(name)
    value, _, identifier = parts.rpartition(_ID) if sort.kind == "text" else parts.partition(_ID)
    return _read(value.removeprefix("::"), sort.kind) if value.startswith("::") else None, identifier


def _written(value: str | int | float, kind: ColumnKind) -> str:
    return str(moment_of(int(value))) if kind == "moment" else str(value)


def _read(text: str, kind: ColumnKind) -> SortValue:
    if kind == "text":
        return text
    if kind == "moment":
        moment = parse_moment(text)
        if moment is None:
            raise ValueError(text)
        return microseconds(moment)
    return _countable(json.loads(text))


def _of_seconds(parts: list[Any]) -> Cursor:
    match parts:
        case [None, str(), bool()]:
            return Cursor(*parts)
        case [value, str() as identifier, bool() as forward]:
            return Cursor(round(_countable(_countable(value) * _SECOND)), identifier, forward)
        case _:
            raise ValueError(parts)


def _seconds(micros: Any) -> int | float | None:
    if micros is None:
        return None
    return micros // _SECOND if micros % _SECOND == 0 else micros / _SECOND


def _countable(value: object) -> int | float:
    """A number that SQLite can compare with others. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -(2**63) <= value < 2**63:
        raise ValueError(value)
    return value


def _encoded(plain: str) -> str:
    return base64.b64encode(plain.encode()).decode().rstrip("=")
