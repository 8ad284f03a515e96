"""Klaviyo's facts of one API revision as a data file: what each operation of an OpenAPI document states, in no words.

`klaviyo_sandbox/facts/` holds such files. One line for each operation, so that a new revision is a diff to read.
"""

import json
import re
from collections.abc import Iterable, Mapping

from klaviyo_mcp.authoring.drafted import extra_limits
from klaviyo_mcp.authoring.openapi import Operation, Parameter, at, operations, revision_of
from klaviyo_mcp.loose_json import JSON

LONGEST_PAGE = re.compile(r"Returns a maximum of (\d+)")
"""The only place where the document states the size of a page that nobody can choose: an operation's description."""

WINDOWS = {"burst": "/s", "steady": "/m", "daily": "/d"}
COMMON = ("filter", "sort", "include", "fields", "additional-fields", "page")
"""The query parameters, up to a bracket, that have a place of their own in an operation's facts."""


def revision_facts(document: JSON, only: Iterable[str] = (), known: JSON | None = None) -> JSON:
    """The facts of every operation; a list of sparse fields that several have is written once, and named by its type.

    `only` some operations are added to the facts that are `known` already, which keep their revision. Raises ValueError
    for a document without operations, or without one of these, or with a limit in a form that is not known.
    """
    before = known or {}
    lists = {tuple(members): name for name, members in at(before, "fields").items()}
    revision = before.get("revision") or revision_of(document)
    there = operations(document)
    if unknown := [name for name in only if name not in there]:
        raise ValueError(f"the document has no operation {unknown[0]!r}")
    stated = {name: _facts(there[name], lists) for name in only or sorted(there)}
    if not revision or not stated:
        raise ValueError(f"the document has no {'operations' if revision else 'revision (info.version)'}")
    fields = {name: list(members) for members, name in sorted(lists.items(), key=lambda item: item[1])}
    return {
        "revision": revision,
        "fields": fields,
        "operations": dict(sorted({**at(before, "operations"), **stated}.items())),
    }


def render(facts: JSON) -> str:
    """The text of a file: JSON with one line for each list of fields and each operation."""
    parts = [f'"revision":{json.dumps(facts["revision"])}']
    for part in ("fields", "operations"):
        lines = [f'"{name}":{json.dumps(value, separators=(",", ":"))}' for name, value in facts[part].items()]
        parts.append(f'"{part}":{{\n' + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(parts) + "}\n"


def _facts(operation: Operation, lists: dict[tuple[str, ...], str]) -> JSON:
    query = {parameter.name: parameter for parameter in operation.parameters_in("query")}
    stated: JSON = {
        "method": operation.method,
        "path": operation.path,
        "public": operation.path.startswith("/client/"),
        "scopes": sorted(operation.raw.get("x-klaviyo-scopes") or []),
        "limits": _limits(operation, at(operation.raw, "x-klaviyo-ratelimit")),
        "extra_limits": {
            f"{extra.parameter}={extra.value}": _limits(operation, {"burst": extra.burst, "steady": extra.steady})
            for extra in extra_limits(operation)
        },
        "media": next(iter(at(at(operation.raw, "requestBody"), "content")), ""),
        "filters": {name: _filter(each) for name, each in at(operation.raw, "x-klaviyo-filters").items()},
        "filter_required": "filter" in query and query["filter"].required,
        "sorts": sorted({name.removeprefix("-") for name in _choices(query.get("sort"))}),
        "page": _page(query, operation.raw.get("description", "")),
        "include": _choices(query.get("include")),
        "additional": dict(_by_type(query, "additional-fields")),
        "fields": {kind: _named(kind, names, lists) for kind, names in _by_type(query, "fields")},
        "parameters": {
            name: _own(parameter) for name, parameter in query.items() if name.partition("[")[0] not in COMMON
        },
        "headers": [parameter.name for parameter in operation.parameters_in("header")],
    }
    return {key: value for key, value in stated.items() if value or key == "limits"}


def _limits(operation: Operation, rates: Mapping[str, str]) -> list[int]:
    """Requests in a second, in a minute and, for some, in a day."""
    found: list[int] = []
    for window, unit in WINDOWS.items():
        if rate := rates.get(window):
            if not rate.endswith(unit) or not rate.removesuffix(unit).isdigit():
                raise ValueError(f"{operation.operation_id}: {rate!r} is not a {window} limit such as 10{unit}")
            found.append(int(rate.removesuffix(unit)))
    return found


def _filter(stated: JSON) -> JSON:
    """Operators by what they take (`single`, `list`, `none`), and what the value is where that is not any text."""
    value = at(stated, "value")
    kind = value.get("format", value.get("type", "string"))
    found: JSON = {form: names for form, names in at(stated, "operators").items() if names}
    return found | ({} if kind == "string" else {"type": kind}) | ({"enum": value["enum"]} if "enum" in value else {})


def _page(query: Mapping[str, Parameter], description: str) -> JSON:
    """`default` and `most` records of a page, where the document says; `sizable` is false where nobody can choose."""
    if "page[cursor]" not in query:
        return {}
    if size := query.get("page[size]"):
        return {"default": size.schema["default"], "most": size.schema["maximum"]}
    stated = LONGEST_PAGE.search(description)
    return {**(dict.fromkeys(("default", "most"), int(stated[1])) if stated else {}), "sizable": False}


def _choices(parameter: Parameter | None) -> list[str]:
    if parameter is None:
        return []
    return list(parameter.schema.get("items", parameter.schema).get("enum", []))


def _by_type(query: Mapping[str, Parameter], family: str) -> Iterable[tuple[str, list[str]]]:
    """What may be named in each `family[<type>]` parameter."""
    for name, parameter in query.items():
        if name.startswith(f"{family}["):
            yield name[len(family) + 1 : -1], _choices(parameter)


def _named(kind: str, names: list[str], lists: dict[tuple[str, ...], str]) -> str:
    """The name of a list of fields: its type, and a number where the type has several lists."""
    known = tuple(sorted(names))
    if known not in lists:
        count = sum(name.partition(" ")[0] == kind for name in lists.values())
        lists[known] = f"{kind} {count + 1}" if count else kind
    return lists[known]


def _own(parameter: Parameter) -> JSON:
    choices = _choices(parameter)
    return ({"required": True} if parameter.required else {}) | ({"enum": choices} if choices else {})
