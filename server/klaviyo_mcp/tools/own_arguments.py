"""The arguments of the server's own tools, checked by the schemas that are listed."""

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.unpacking import unpacked
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping
from klaviyo_mcp.registry.tool_names import READ_MORE, RUN_TOOLS
from klaviyo_mcp.tools.account_argument import ARGUMENT as ACCOUNT
from klaviyo_mcp.tools.server_tools import BY_NAME, MOST_CALLS, SEVERAL

_KINDS: dict[str, type] = {"string": str, "object": dict, "array": list, "integer": int, "boolean": bool}


def checked(tool: str, given: Mapping[str, Any]) -> JSON:
    """The arguments of one of these tools, null as not given and JSON in a text as what it is.

    Raises InvalidArguments with every problem.
    """
    schema = mapping(BY_NAME[tool]["inputSchema"])
    properties = mapping(schema["properties"])
    arguments: JSON = {}
    problems: list[Problem] = []
    for name, value in _said_once(given).items():
        if name not in properties:
            takes = f"It takes {', '.join(properties)}."
            problems.append(Problem(name, f"{tool} has no argument of this name", takes))
        elif value is not None:
            found = _names(value) if tool == READ_MORE and name in SEVERAL else _value(value, properties[name])
            if found is None:
                problems.append(Problem(name, f"must be of the type {_kind(properties[name])}", _how(properties[name])))
            elif isinstance(found, int) and not _within(found, properties[name]):
                least, most = properties[name]["minimum"], properties[name]["maximum"]
                problems.append(Problem(name, f"is {found}", f"Give a number from {least} to {most}."))
            else:
                arguments[name] = found
    for name in schema["required"]:
        if name not in arguments and not any(problem.argument == name for problem in problems):
            problems.append(Problem(name, "is missing", _how(properties[name])))
    if tool == RUN_TOOLS["read"] and not problems:
        problems += _several(arguments)
    if problems:
        raise InvalidArguments(f"{tool} was called with arguments that it does not take.", tuple(problems))
    return arguments


def _said_once(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was given, where `arguments` repeats all of it: Semantic Kernel's own word for what a function is given.

    An argument of an action that is called `action` or `token` is not the action's name, nor a confirmation's token.
    """
    inner, beside = given.get("arguments"), {name: value for name, value in given.items() if name != "arguments"}
    if not is_object(inner) or not beside:
        return given
    repeated = {name: value for name, value in inner.items() if name not in ("arguments", ACCOUNT)}
    return {**beside, "arguments": inner.get("arguments")} if repeated == beside else given


def _several(arguments: JSON) -> list[Problem]:
    """What is wrong with one call or several: either, each with a name, and not too many."""
    calls = arguments.get("calls")
    if (calls is None) == ("action" not in arguments):
        return [Problem("action", "either action or calls must be given", "Give action and arguments for one call.")]
    problems: list[Problem] = []
    if calls is not None and not 1 <= len(calls) <= MOST_CALLS:
        problems.append(Problem("calls", f"holds {len(calls)}", f"Give 1 to {MOST_CALLS}."))
    for index, call in enumerate(calls or []):
        inner = mapping(call)
        if not isinstance(inner.get("action"), str) or set(inner) - {"action", "arguments"}:
            fix = 'Each is {"action": name, "arguments": {…}}.'
            problems.append(Problem(f"calls[{index}]", "must hold action and arguments, and nothing else", fix))
    return problems


def _value(value: Any, schema: JSON) -> Any:
    """A value of the type that is wanted, None for none."""
    kind = _kind(schema)
    if isinstance(value, str) and kind in ("object", "array", "integer", "boolean"):
        value = unpacked(value, {kind})
    if is_object(value) and kind == "array":
        value = [value]
    fits = isinstance(value, _KINDS[kind]) and isinstance(value, bool) == (kind == "boolean")
    return value if fits and value != "" else None


def _kind(schema: JSON) -> str:
    """The type that is wanted; other forms are ways to write it."""
    return str(schema["type"] if "type" in schema else schema["anyOf"][0]["type"])


def _names(value: Any) -> list[Any] | None:
    """The names that a list holds, or a text with commas; None for what is neither."""
    if isinstance(value, str):
        value = unpacked(value, {"array"})
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    return value if is_list(value) and value else None


def _within(value: int, schema: JSON) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _how(schema: JSON) -> str:
    return str(schema.get("description", ""))
