"""An agent's arguments, checked against the schema: every problem at once, each with the way to mend it.

Values that arrive as JSON in a string are taken for what the schema says they are, as some clients send them so.
"""

import difflib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.filter_argument import check_filter
from klaviyo_mcp.actions.formats import FORMAT_FIXES
from klaviyo_mcp.actions.read_only import without_read_only
from klaviyo_mcp.actions.registry import Action
from klaviyo_mcp.klaviyo.jsonapi import cursor_in
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import path_holes
from klaviyo_mcp.registry.references import resolved

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MOST_PROBLEMS = 20
TYPE_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def check_arguments(action: Action, given: object) -> JSON:
    """The arguments as the engine uses them: unpacked from strings, cursor and filter made plain.

    Raises InvalidArguments with every problem found, up to MOST_PROBLEMS.
    """
    if given is None:
        given = {}
    if isinstance(given, str):
        given = _unpacked(given, {"object"})
    if not isinstance(given, dict):
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
    for name, value in cast(JSON, given).items():
        if name in properties:
            arguments[name] = unpack(value, properties[name])
        else:
            problems.append(_unknown(name, list(properties)))
    for error in action.schema_errors(arguments):
        problems += _explain(error, cast(JSON, action.spec.input_schema.get("$defs", {})))
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
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        shown = tuple(dict.fromkeys(problems))[:MOST_PROBLEMS]
        raise InvalidArguments(f"{action.name} was not called: {many} with its arguments.", shown)
    return without_read_only(arguments, action.spec.input_schema) if action.has_read_only else arguments


def unpack(value: Any, schema: JSON) -> Any:
    """A value with every string that should be something else, and is JSON for it, turned into that."""
    if isinstance(value, float) and value.is_integer() and "integer" in _types(schema):
        return int(value)
    if isinstance(value, str):
        types = _types(schema)
        return value if not types or "string" in types else _unpacked(value, types)
    if isinstance(value, dict):
        properties = cast(JSON, schema.get("properties") or {})
        source = cast(JSON, value)
        return {key: unpack(inner, properties[key]) if key in properties else inner for key, inner in source.items()}
    if isinstance(value, list):
        items = schema.get("items")
        source_list = cast(list[Any], value)
        return [unpack(inner, cast(JSON, items)) for inner in source_list] if isinstance(items, dict) else source_list
    return value


def _unpacked(text: str, types: set[str]) -> Any:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, float) and value.is_integer() and "number" not in types:
        value = int(value)
    kinds = {
        bool: {"boolean"},
        int: {"integer", "number"},
        float: {"number"},
        list: {"array"},
        dict: {"object"},
        type(None): {"null"},
    }
    return value if kinds.get(cast(type, type(value)), set()) & types else text


def _types(schema: JSON) -> set[str]:
    found = schema.get("type", [])
    return {found} if isinstance(found, str) else set(cast(list[str], found))


def _unknown(name: str, known: list[str], kind: str = "argument") -> Problem:
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    fix = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}" if known else "There are none"
    return Problem(name, f"there is no such {kind}", fix)


def _explain(error: "ValidationError", definitions: JSON) -> list[Problem]:
    """One validation error in words for an agent."""
    where = _where(error)
    rule = cast(Any, error.validator_value)
    match error.validator:
        case "required":
            missing = [name for name in rule if name not in cast(JSON, error.instance)]
            named = _missing_now(error, missing)
            return [Problem(f"{where}.{name}".lstrip("."), "is required", _shape(error, name)) for name in named]
        case "additionalProperties":
            known = list(cast(JSON, error.schema).get("properties", {}))
            extra = [name for name in cast(JSON, error.instance) if name not in known]
            return [
                replace(found, argument=f"{where}.{name}")
                for name in extra
                for found in [_unknown(name, known, "field")]
            ]
        case "anyOf" | "oneOf":
            return [_explain_branches(error, where, definitions)]
        case "type":
            wanted = " or ".join(TYPE_NAMES[name] for name in ([rule] if isinstance(rule, str) else rule))
            return [Problem(where, f"must be {wanted}, not {shown(error.instance)}", _list_hint(error))]
        case "enum":
            return [
                Problem(where, f"{shown(error.instance)} is not one of the allowed values", _near_value(error, rule))
            ]
        case "const":
            return [Problem(where, f"must be {shown(rule)}, not {shown(error.instance)}")]
        case "format":
            problem, fix = FORMAT_FIXES.get(str(rule), (f"is not of the form {rule}", ""))
            return [Problem(where, f"{shown(error.instance)} {problem}", fix)]
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minimum" | "maximum":
            return [Problem(where, _bounds(str(error.validator), rule, error.instance))]
        case "exclusiveMinimum" | "exclusiveMaximum":
            side = "more" if error.validator == "exclusiveMinimum" else "less"
            return [Problem(where, f"must be {side} than {rule}, not {error.instance}")]
        case "pattern":
            words = str(cast(JSON, error.schema).get("description") or f"It must match {rule}")
            return [Problem(where, f"{shown(error.instance)} does not have the right form", words.rstrip("."))]
        case "minProperties" | "maxProperties":
            side = "at least" if error.validator == "minProperties" else "at most"
            known = ", ".join(cast(JSON, error.schema).get("properties", {}))
            return [Problem(where, f"must have {side} {rule} of its fields", f"Fields: {known}" if known else "")]
        case "uniqueItems":
            return [Problem(where, "holds the same item more than once", "Name each item once")]
        case _:
            return [Problem(where, error.message[:200])]


def _missing_now(error: "ValidationError", missing: list[str]) -> list[str]:
    """Jsonschema reports each missing name as an error of its own; its message starts with the name."""
    return [name for name in missing if error.message.startswith(repr(name))]


def _explain_branches(error: "ValidationError", where: str, definitions: JSON) -> Problem:
    """An `anyOf` or `oneOf` of which no branch fits: the alternatives, or what is wrong in the branch meant."""
    branches = [resolved(branch, definitions) for branch in cast(list[JSON], error.validator_value)]
    if all(set(branch) <= {"required"} for branch in branches):
        names = [" and ".join(cast(list[str], branch.get("required", []))) for branch in branches]
        return Problem(where, f"needs at least one of: {', '.join(names)}", "Add one of them")
    if not error.context:
        return Problem(where, "matches more than one of the allowed forms", "Leave out what belongs to another form")
    wrong: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        wrong.setdefault(int(inner.schema_path[0]), []).append(inner)
    fitting = [index for index in wrong if branches[index].get("type") != "null"] or list(wrong)
    meant = [index for index in fitting if _is_meant(branches[index], error.instance)]
    if not meant:
        # The word that tells the forms apart is missing or wrong: name it with all its values.
        if isinstance(error.instance, dict) and (tag := _tag(branches)) is not None:
            values = [value for index in fitting for value in _tag_values(branches[index], tag)]
            names = list(dict.fromkeys(str(value) for value in values))
            given = cast(Any, error).instance.get(tag)
            near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.6)
            fix = f"Did you mean {near[0]!r}?" if near else f"One of: {', '.join(names)}"
            return Problem(f"{where}.{tag}".lstrip("."), "must say which form this is", fix)
        if all(inner.validator == "type" and inner.absolute_path == error.absolute_path for inner in error.context):
            kinds = sorted({kind for index in fitting for kind in _types(branches[index])} - {"null"})
            wanted = " or ".join(TYPE_NAMES[kind] for kind in kinds)
            return Problem(where, f"must be {wanted}, not {shown(cast(Any, error).instance)}")
    nearest = min(meant or fitting, key=lambda index: len(wrong[index]))
    deepest = max(wrong[nearest], key=lambda inner: len(inner.absolute_path))
    explained = _explain(deepest, definitions)
    return explained[0] if explained else Problem(_where(deepest) or where, deepest.message[:200])


def _is_meant(branch: JSON, value: Any) -> bool:
    """Whether an object carries the single value that marks this branch, such as `method: static`."""
    if not isinstance(value, dict):
        return False
    marks = {name: _tag_values(branch, name) for name in cast(JSON, branch.get("properties", {}))}
    given = cast(JSON, value)
    required = cast(list[str], branch.get("required", []))
    single = {
        name: values for name, values in marks.items() if len(values) == 1 and (name in required or name in given)
    }
    return bool(single) and all(given.get(name) in values for name, values in single.items())


def _tag(branches: list[JSON]) -> str | None:
    """The property that tells the branches apart: single-valued and required wherever it is found."""
    for branch in branches:
        for name in cast(list[str], branch.get("required", [])):
            if len(_tag_values(branch, name)) == 1:
                return name
    return None


def _tag_values(branch: JSON, name: str) -> list[Any]:
    schema = cast(JSON, cast(JSON, branch.get("properties", {})).get(name, {}))
    return [schema["const"]] if "const" in schema else cast(list[Any], schema.get("enum", []))


def _where(error: "ValidationError") -> str:
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _shape(error: "ValidationError", name: str) -> str:
    schema = cast(JSON, cast(JSON, error.schema).get("properties", {})).get(name, {})
    if "enum" in schema:
        return f"One of: {', '.join(str(value) for value in schema['enum'][:12])}"
    words = str(schema.get("description", ""))
    return words.rstrip(".")


def _list_hint(error: "ValidationError") -> str:
    wants_list = error.validator_value == "array" or "array" in cast(Any, error.validator_value)
    if wants_list and isinstance(error.instance, str):
        parts = [part.strip() for part in error.instance[:60].split(",")]
        return f"Send a list, like {json.dumps(parts, ensure_ascii=False)}"
    return ""


def _near_value(error: "ValidationError", allowed: list[Any]) -> str:
    near = difflib.get_close_matches(str(error.instance), [str(value) for value in allowed], n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    some = ", ".join(str(value) for value in allowed[:15])
    return f"Allowed: {some}{', …' if len(allowed) > 15 else ''}"


def _bounds(rule: str, bound: Any, value: Any) -> str:
    if rule in ("minimum", "maximum"):
        return f"must be {'at least' if rule == 'minimum' else 'at most'} {bound}, not {value}"
    unit = "characters" if rule.endswith("Length") else "items"
    side = "at least" if rule.startswith("min") else "at most"
    return f"must have {side} {bound} {unit}, not {len(value)}"


def shown(value: Any) -> str:
    """A value as it can stand in a message: JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
