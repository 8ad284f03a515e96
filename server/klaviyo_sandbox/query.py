"""What a request asks for in its query string: filter, sort, page, include, sparse fieldsets and additional fields."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from klaviyo_sandbox.declare import Column, Lookup, Operation, Resource
from klaviyo_sandbox.errors import ApiError, invalid_parameter
from klaviyo_sandbox.facts import Page
from klaviyo_sandbox.filters import Where, compile_filter, parse
from klaviyo_sandbox.loose_json import items


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to order by; ties are broken by id, in the same direction."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two items: the sort value and id of the item next to it, and the way to read on from there."""

    value: str | int | float | None
    id: str
    forward: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query string."""

    filters: list[Where] = field(default_factory=list[Where])
    sort: Sort = Sort("id")
    size: int = 0
    cursor: Cursor | None = None
    include: tuple[str, ...] = ()
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    additional: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def read_query(text: str, operation: Operation, resources: Mapping[str, Resource]) -> Query:
    """Check a raw query string against what `operation` accepts. Raises ApiError (400) where it does not."""
    resource = resources[operation.resource]
    given: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in given:
            raise invalid_parameter(name, f"'{name}' was given more than once.")
        given[name] = value
    accepted = _accepted(operation, resource)
    for name in given:
        if name not in accepted:
            bare = name.replace("[", "_").rstrip("]")
            raise invalid_parameter(name, f"'{bare}' is not a valid field for the resource '{resource.type}'.")
    conditions = parse(given["filter"]) if given.get("filter") else []
    sort = _sort(given.get("sort"), operation, resource)
    return Query(
        filters=compile_filter(
            conditions, operation.filters, operation.lookups, resource.type, operation.required_filters
        ),
        sort=sort,
        size=_size(given.get("page[size]"), operation.page),
        cursor=_cursor(given["page[cursor]"], sort, resource) if "page[cursor]" in given else None,
        include=(*operation.brings, *_include(given.get("include"), operation)),
        fields=_fields(given, operation),
        additional=_additional(given, operation, resource),
        parameters=_parameters(given, operation),
    )


def write_cursor(cursor: Cursor, sort: Sort) -> str:
    """The opaque text of a cursor. Klaviyo has two forms, told apart by whether the order is that of ids."""
    if sort.column == "id":
        plain = f"{'next' if cursor.forward else 'prev'}::id::{cursor.id}"
    else:
        plain = json.dumps([cursor.value, cursor.id, cursor.forward], separators=(",", ":"))
    return base64.b64encode(plain.encode()).decode()


def _accepted(operation: Operation, resource: Resource) -> set[str]:
    names = {f"fields[{kind}]" for kind in operation.fields}
    names |= {"filter"} if operation.filters else set()
    names |= {"sort"} if operation.sorts else set()
    names |= {"include"} if operation.include else set()
    names |= {f"additional-fields[{resource.type}]"} if operation.additional else set()
    names |= {*operation.parameters, *(("company_id",) if operation.public else ())}
    if operation.page:
        names |= {"page[cursor]", *(("page[size]",) if operation.page.sizable else ())}
    return names


def _sort(text: str | None, operation: Operation, resource: Resource) -> Sort:
    if text is None:
        return Sort(operation.default_sort.removeprefix("-"), operation.default_sort.startswith("-"))
    name = text.removeprefix("-")
    if name not in operation.sorts:
        allowed = ", ".join(f"{name}, -{name}" for name in operation.sorts)
        raise invalid_parameter(
            "sort", f"'{text}' is not a valid sort for the resource '{resource.type}'. Use: {allowed}."
        )
    lookup = operation.lookups.get(name, Lookup())
    return Sort(lookup.order or lookup.column or name, text.startswith("-"))


def _size(text: str | None, page: Page | None) -> int:
    if page is None:
        return 0
    if text is None:
        return page.default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= page.most):
        raise invalid_parameter("page[size]", f"Page size must be an integer between 1 and {page.most}.")
    return int(text)


def _include(text: str | None, operation: Operation) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(","))) if text else ()
    for name in names:
        if name not in operation.include:
            raise invalid_parameter("include", f"'{name}' is not an allowed include parameter for this resource.")
    return names


def _fields(given: Mapping[str, str], operation: Operation) -> dict[str, frozenset[str]]:
    chosen: dict[str, frozenset[str]] = {}
    for kind, known in operation.fields.items():
        parameter = f"fields[{kind}]"
        if parameter in given:
            names = frozenset(name.strip() for name in given[parameter].split(",") if name.strip())
            for name in sorted(names - known):
                raise invalid_parameter(parameter, f"'{name}' is not a valid field for the resource '{kind}'.")
            chosen[kind] = names
    return chosen


def _additional(given: Mapping[str, str], operation: Operation, resource: Resource) -> dict[str, frozenset[str]]:
    parameter = f"additional-fields[{resource.type}]"
    names = frozenset(name.strip() for name in given.get(parameter, "").split(",") if name.strip())
    for name in sorted(names):
        if name not in operation.additional:
            raise invalid_parameter(
                parameter, f"'{name}' is not a valid additional field for the resource '{resource.type}'."
            )
    return {resource.type: names} if names else {}


def _parameters(given: Mapping[str, str], operation: Operation) -> dict[str, tuple[str, ...]]:
    """The values of the operation's own parameters. What is not given has none."""
    values: dict[str, tuple[str, ...]] = {}
    for name, parameter in operation.parameters.items():
        text = given.get(name, "").strip()
        if parameter.required and not text:
            raise invalid_parameter(name, f"'{name}' is required.")
        items = [item.strip() for item in text.split(",")] if parameter.listed else [text]
        values[name] = tuple(item for item in items if item)
        for item in values[name]:
            if parameter.choices and item not in parameter.choices:
                choices = ", ".join(parameter.choices)
                raise invalid_parameter(name, f"'{item}' is not a valid value for '{name}'. Choose one of: {choices}.")
    return values


def _cursor(text: str, sort: Sort, resource: Resource) -> Cursor:
    try:
        plain = base64.b64decode(text, validate=True).decode()
        if sort.column != "id":
            return _cursor_by_value(items(json.loads(plain)), resource.columns.get(sort.column))
    except (binascii.Error, ValueError):
        raise _invalid_cursor() from None
    way, _, identifier = plain.partition("::id::")
    if way not in ("next", "prev") or not identifier:
        raise _invalid_cursor()
    return Cursor(None, identifier, way == "next")


def _cursor_by_value(parts: list[Any], column: Column | None) -> Cursor:
    is_text = column is not None and column.kind == "text"
    match parts:
        case [None, str(), bool()]:
            return Cursor(*parts)
        case [value, str(), bool()] if isinstance(value, str) if is_text else _is_countable(value):
            return Cursor(*parts)
        case _:
            raise _invalid_cursor()


def _is_countable(value: object) -> bool:
    """Whether SQLite can compare a cursor's value with a number or a moment."""
    return isinstance(value, (int, float)) and -(2**63) <= value < 2**63


def _invalid_cursor() -> ApiError:
    return invalid_parameter("page[cursor]", "Invalid cursor provided.")
