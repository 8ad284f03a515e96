"""What a request asks for in its query string: filter, sort, page, include, sparse fieldsets and additional fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from klaviyo_sandbox.cursors import BY_ID, Cursor, Sort, read_cursor
from klaviyo_sandbox.declare import Lookup, Operation, Resource
from klaviyo_sandbox.errors import invalid_parameter, server_error
from klaviyo_sandbox.facts import ColumnKind, Page
from klaviyo_sandbox.filters import Where, compile_filter, parse


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query string. `sorted_by` is the field that the caller wants it sorted by."""

    filter: str = ""
    filters: list[Where] = field(default_factory=list[Where])
    sort: Sort = BY_ID
    sorted_by: str = ""
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
    if any((condition.field, condition.operator) in operation.broken_filters for condition in conditions):
        raise server_error()
    sort = _sort(given.get("sort"), operation, resource)
    return Query(
        filter=given.get("filter", ""),
        filters=compile_filter(
            conditions, operation.filters, operation.lookups, resource.type, operation.required_filters
        ),
        sort=sort,
        sorted_by=given.get("sort", "").removeprefix("-"),
        size=_size(given.get("page[size]"), operation.page),
        cursor=_cursor(given["page[cursor]"], sort, resource) if "page[cursor]" in given else None,
        include=(*operation.brings, *_include(given.get("include"), operation)),
        fields=_fields(given, operation),
        additional=_additional(given, operation, resource),
        parameters=_parameters(given, operation),
    )


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
        column = operation.default_sort.removeprefix("-")
        return Sort(column, operation.default_sort.startswith("-"), kind=_kind(column, operation, resource))
    name = text.removeprefix("-")
    if name not in operation.sorts:
        allowed = ", ".join(f"{name}, -{name}" for name in operation.sorts)
        raise invalid_parameter(
            "sort", f"'{text}' is not a valid sort for the resource '{resource.type}'. Use: {allowed}."
        )
    lookup = operation.lookups.get(name, Lookup())
    column = lookup.order or lookup.column or name
    return Sort(column, text.startswith("-"), name, _kind(name, operation, resource, column))


def _kind(name: str, operation: Operation, resource: Resource, column: str = "") -> ColumnKind:
    """What is sorted by: a moment and the like, as its column says, or the filter of that name."""
    known = resource.columns.get(column or name) or operation.filters.get(name)
    return known.kind if known else "text"


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
        return read_cursor(text, sort, resource)
    except ValueError:
        raise invalid_parameter("page[cursor]", "Invalid cursor provided.") from None
