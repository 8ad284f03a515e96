"""Tools of the server's own, beside those of actions: they find an action, describe it, run it, and guard it.

Which of them there are follows from the exposure. Their arguments are checked here, by the schemas that are listed.
"""

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.unpacking import unpacked
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.tool_names import ToolNames
from klaviyo_mcp.runtime.exposure import Exposure

FIND, DESCRIBE, PREVIEW, CONFIRM = "find_actions", "describe_action", "preview_action", "confirm_action"
RUN: dict[str, Effect] = {
    "run_read_action": "read",
    "run_write_action": "write",
    "run_destructive_action": "destructive",
}
"""The tools that run actions which are not listed, and the effect that each of them is for."""
MOST_CALLS = 10
MOST_FOUND = 20
_KINDS: dict[str, type | tuple[type, ...]] = {"string": str, "object": dict, "array": list, "integer": int}
_NAME: JSON = {"type": "string", "description": "Its name, as find_actions gives it."}
_ARGUMENTS: JSON = {"type": "object", "description": "Its arguments by name."}


def _tool(name: str, title: str, description: str, properties: JSON, required: list[str], *, effect: Effect) -> JSON:
    hints = {"title": title, "readOnlyHint": effect == "read", "destructiveHint": effect == "destructive"}
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties, "required": required},
        "annotations": hints if effect == "read" else {**hints, "idempotentHint": False},
    }


_CALL: JSON = {"action": _NAME, "arguments": _ARGUMENTS}
_TOOLS = (
    _tool(
        FIND,
        "Find actions",
        "Find the actions of Klaviyo that do what is wanted, said in plain words: 'how many people are on a list', "
        "'pause a flow'. Answers names, what they do, what they need, and which tool runs them. There are about 350.",
        {
            "query": {"type": "string", "description": "What is wanted, in a few words or a sentence."},
            "limit": {"type": "integer", "description": f"How many to show, 1 to {MOST_FOUND}; 8 when absent."},
        },
        ["query"],
        effect="read",
    ),
    _tool(
        DESCRIBE,
        "Describe an action",
        "All about one action before it is called: what it does, every argument, rules, filters, scopes, examples.",
        {"action": _NAME},
        ["action"],
        effect="read",
    ),
    _tool(
        "run_read_action",
        "Run a reading action",
        "Run an action whose effect is read. With calls in place of action, up to ten are run side by side.",
        {
            **_CALL,
            "calls": {
                "type": "array",
                "description": f"Up to {MOST_CALLS} of them, each with action and arguments.",
                "items": {"type": "object", "properties": _CALL, "required": ["action"]},
            },
        },
        [],
        effect="read",
    ),
    _tool(
        "run_write_action",
        "Run a writing action",
        "Run an action whose effect is write: it makes or changes something.",
        _CALL,
        ["action"],
        effect="write",
    ),
    _tool(
        "run_destructive_action",
        "Run a destructive action",
        "Run an action whose effect is destructive: it removes something, reaches people, or cannot be taken back.",
        _CALL,
        ["action"],
        effect="destructive",
    ),
    _tool(
        PREVIEW,
        "Preview an action",
        "Show what a call of an action would do, without doing it: its rules are asked, whom and what it reaches is "
        "looked up, the requests are listed. Use it before a write you are not sure of. Where the call has to be "
        "confirmed, the answer holds the token for confirm_action.",
        {"action": {"type": "string", "description": "Its name, such as send_campaign."}, "arguments": _ARGUMENTS},
        ["action"],
        effect="read",
    ),
    _tool(
        CONFIRM,
        "Confirm an action",
        "Carry out a call that was held back because it removes something, reaches many people or cannot be taken "
        "back. Call it only when the user has seen what the call would do and has agreed. It runs exactly the call "
        "that the token was given for, once, within ten minutes, and only if what it would do has not changed.",
        {
            "token": {"type": "string", "description": "confirmation.token of the answer that asked for it."},
            "action": {
                "type": "string",
                "description": "Only where the server has forgotten the call and says so: the action's name.",
            },
            "arguments": {"type": "object", "description": "With action: its arguments, exactly as they were."},
        },
        ["token"],
        effect="destructive",
    ),
)
_BY_NAME = {str(tool["name"]): tool for tool in _TOOLS}


def server_tools(exposure: Exposure, names: ToolNames[Any]) -> list[JSON]:
    """Those that an exposure has, as they are listed."""
    shown = [FIND, DESCRIBE, *RUN] if exposure.searches else []
    shown += [PREVIEW, CONFIRM]
    if exposure.read_only:
        shown = [name for name in shown if name in (FIND, DESCRIBE, "run_read_action")]
    elif not exposure.confirms:
        shown.remove(CONFIRM)
    return [_listed(_BY_NAME[name], names) for name in shown]


def _listed(tool: JSON, names: ToolNames[Any]) -> JSON:
    """A tool that speaks of the others by the names that are listed."""
    told = {"description": names.told(str(tool["description"])), "inputSchema": names.told_schema(tool["inputSchema"])}
    return {**tool, **told, "name": names.listed(str(tool["name"]))}


def own_names(names: ToolNames[Any]) -> ToolNames[str]:
    """How clients may call them, with their prefixes and the server's."""
    return ToolNames({name: name for name in _BY_NAME}, _BY_NAME, names.prefix)


def checked(tool: str, given: Mapping[str, Any]) -> JSON:
    """The arguments of one of these tools, null as not given and JSON in a text as what it is.

    Raises InvalidArguments with every problem.
    """
    schema = mapping(_BY_NAME[tool]["inputSchema"])
    properties = mapping(schema["properties"])
    arguments: JSON = {}
    problems: list[Problem] = []
    for name, value in given.items():
        if name not in properties:
            takes = f"It takes {', '.join(properties)}."
            problems.append(Problem(name, f"{tool} has no argument of this name", takes))
        elif value is not None:
            found = _value(value, properties[name])
            if found is None:
                problems.append(
                    Problem(name, f"must be of the type {properties[name]['type']}", _how(properties[name]))
                )
            else:
                arguments[name] = found
    for name in schema["required"]:
        if name not in arguments and not any(problem.argument == name for problem in problems):
            problems.append(Problem(name, "is missing", _how(properties[name])))
    if tool == "run_read_action" and not problems:
        problems += _several(arguments)
    if problems:
        raise InvalidArguments(f"{tool} was called with arguments that it does not take.", tuple(problems))
    return arguments


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
    kind = str(schema["type"])
    if isinstance(value, str) and kind in ("object", "array", "integer"):
        value = unpacked(value, {kind})
    if isinstance(value, bool) or not isinstance(value, _KINDS[kind]) or value == "":
        return None
    return value if not is_object(value) or is_list(value) or kind == "object" else None


def _how(schema: JSON) -> str:
    return str(schema.get("description", ""))
