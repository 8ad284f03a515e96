"""An agent's arguments, checked against the schema: every problem at once, each with the way to mend it.

Values that arrive as JSON in a string are taken for what the schema says they are, as some clients send them so.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions import formats
from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.explain import explain, unknown_name
from klaviyo_mcp.actions.filter_argument import check_filter
from klaviyo_mcp.actions.forms import types_of
from klaviyo_mcp.actions.grouping import grouped
from klaviyo_mcp.actions.read_only import without_read_only
from klaviyo_mcp.klaviyo.jsonapi import cursor_in
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping
from klaviyo_mcp.registry.holes import path_holes
from klaviyo_mcp.registry.registry import Action

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

MOST_EXPLAINED = 5_000
"""What may be spent on explaining one call's arguments: 1 for an error, FORM_COST for each form that does not fit."""
FORM_COST = 4
JSON_TYPES = {
    "bool": {"boolean"},
    "int": {"integer", "number"},
    "float": {"number"},
    "list": {"array"},
    "dict": {"object"},
    "NoneType": {"null"},
}
"""The types of JSON Schema that a Python value is one of, by the name of its class."""


def check_arguments(action: Action, given: object) -> JSON:
    """The arguments as the engine uses them: unpacked from strings, cursor and filter made plain.

    Raises InvalidArguments with every problem found, equal ones as one.
    """
    if given is None:
        given = {}
    if isinstance(given, str):
        given = _unpacked(given, {"object"})
    if not is_object(given):
        problem = Problem("", "the arguments must be one JSON object", "Send them as {name: value}")
        raise InvalidArguments(f"The arguments of {action.name} are not an object.", (problem,))
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError, TypeError, ValueError):
        problem = Problem("", "they hold half a character, or are nested too deep to be sent", "Send plain JSON")
        raise InvalidArguments(f"The arguments of {action.name} cannot be written as JSON.", (problem,)) from None
    properties = action.spec.properties
    problems: list[Problem] = []
    arguments: JSON = {}
    for name, value in given.items():
        if name in properties:
            arguments[name] = unpack(value, properties[name])
        else:
            problems.append(unknown_name(name, list(properties)))
    cut = False
    cost = 0
    for error in _schema_errors(action, arguments):
        problems += explain(error, mapping(action.spec.input_schema.get("$defs")))
        # Forms are tried one by one, and each that does not fit is an error of its own, with more inside.
        cost += 1 + FORM_COST * len(error.context or ())
        if cut := cost > MOST_EXPLAINED:
            break
    faulty = {problem.argument.split(".")[0].split("[")[0] for problem in problems}
    if isinstance(cursor := arguments.get("cursor"), str):
        arguments["cursor"] = cursor_in(cursor)
    if "filter" in arguments and "filter" not in faulty and "filter" in properties:
        arguments["filter"], found = check_filter(
            arguments["filter"],
            action.spec.filters,
            {field: name for field, name in action.filter_arguments.items() if name in arguments},
        )
        problems += found
    if action.http is not None:
        problems += [
            Problem(name, f"{arguments[name]!r} cannot stand in a path", "Give the id itself")
            for name in path_holes(action.http.path)
            if name in arguments and name not in faulty and str(arguments[name]).strip() in ("", ".", "..")
        ]
    if problems:
        found = [_with_source(problem, action) for problem in dict.fromkeys(problems)]
        many = "1 problem" if len(found) == 1 else f"{'more than ' if cut else ''}{len(found)} problems"
        raise InvalidArguments(f"{action.name} was not called: {many} with its arguments.", grouped(found, cut=cut))
    return without_read_only(arguments, action.spec.input_schema) if action.has_read_only else arguments


def _with_source(problem: Problem, action: Action) -> Problem:
    """A problem whose list of allowed values was cut, with the address of all of them."""
    if not re.search(r" and \d+ more$", problem.fix):
        return problem
    path = re.sub(r"\[\d+\]", "", problem.argument)
    return replace(problem, fix=f"{problem.fix}; all of them: klaviyo://actions/{action.name}/schema/{path}")


def unpack(value: Any, schema: JSON) -> Any:
    """A value with every string that should be something else, and is JSON for it, turned into that."""
    if isinstance(value, float) and value.is_integer() and "integer" in types_of(schema):
        return int(value)
    if isinstance(value, str):
        types = types_of(schema)
        return value if not types or "string" in types else _unpacked(value, types)
    if is_object(value):
        properties = mapping(schema.get("properties"))
        return {key: unpack(inner, properties[key]) if key in properties else inner for key, inner in value.items()}
    if is_list(value) and is_object(inner_schema := schema.get("items")):
        return [unpack(inner, inner_schema) for inner in value]
    return value


def _unpacked(text: str, types: set[str]) -> Any:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, float) and value.is_integer() and "number" not in types:
        value = int(value)
    return value if JSON_TYPES.get(type(value).__name__, set()) & types else text


def _schema_errors(action: Action, arguments: JSON) -> "Iterator[ValidationError]":
    """Everything about the arguments that does not fit the action's schema."""
    return _validator(action).iter_errors(arguments)  # pyright: ignore[reportUnknownMemberType]


@cache
def _validator(action: Action) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # 65 ms at the first call instead of at start-up

    # Unknown names are left to `check_arguments`, which suggests the nearest right one.
    schema = {key: value for key, value in action.spec.input_schema.items() if key != "additionalProperties"}
    return Draft202012Validator(_strict_patterns(schema), format_checker=formats.checker())


def _strict_patterns(schema: Any) -> Any:
    """A copy in which a pattern ends where the text ends: Python's `$` also matches before a final line break."""
    if is_list(schema):
        return [_strict_patterns(part) for part in schema]
    if not is_object(schema):
        return schema
    copied = {key: _strict_patterns(value) for key, value in schema.items()}
    if isinstance(pattern := copied.get("pattern"), str) and pattern.endswith("$"):
        copied["pattern"] = f"{pattern[:-1]}\\Z"
    return copied
