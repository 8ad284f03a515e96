"""Tools of the server's own, beside those of actions: a call that is looked at first, and one that is confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.unpacking import unpacked
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.model import Confirm
from klaviyo_mcp.registry.tool_names import ToolNames

PREVIEW, CONFIRM = "preview_action", "confirm_action"
_ARGUMENTS: JSON = {"type": "object", "description": "The arguments of that action, as its own tool takes them."}
_PREVIEW: JSON = {
    "name": PREVIEW,
    "title": "Preview an action",
    "description": (
        "Show what a call of another action would do, without doing it: its rules are asked, whom and what it reaches "
        "is looked up, the requests are listed. Use it before a write you are not sure of. Where the call has to be "
        "confirmed, the answer holds the token for confirm_action."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "action": {"type": "string", "description": "The name of the action, such as send_campaign."},
            "arguments": _ARGUMENTS,
        },
        "required": ["action"],
    },
    "annotations": {"title": "Preview an action", "readOnlyHint": True, "destructiveHint": False},
}
_CONFIRM: JSON = {
    "name": CONFIRM,
    "title": "Confirm an action",
    "description": (
        "Carry out a call that was held back because it removes something, reaches many people or cannot be taken "
        "back. Call it only when the user has seen what the call would do and has agreed. It runs exactly the call "
        "that the token was given for, once, within ten minutes, and only if what it would do has not changed."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "token": {"type": "string", "description": "confirmation.token of the answer that asked for it."},
            "action": {
                "type": "string",
                "description": "Only where the server has forgotten the call and says so: the action's name.",
            },
            "arguments": {**_ARGUMENTS, "description": "With action: its arguments, exactly as they were."},
        },
        "required": ["token"],
    },
    "annotations": {
        "title": "Confirm an action",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
    },
}


def server_tools(confirm: Confirm, *, read_only: bool, names: ToolNames[Any]) -> list[JSON]:
    """Those that there are: nothing is previewed where nothing can be changed, nor confirmed where nothing needs it."""
    shown = [] if read_only else [_PREVIEW, *([_CONFIRM] if confirm != "never" else [])]
    tools: list[JSON] = []
    for tool in shown:
        own = {name: names.listed(name) for name in (PREVIEW, CONFIRM)}
        description = str(tool["description"])
        for name, listed in own.items():
            description = description.replace(name, listed)
        schema = names.told_schema(tool["inputSchema"])
        tools.append({**tool, "name": own[tool["name"]], "description": names.told(description), "inputSchema": schema})
    return tools


def own_names(names: ToolNames[Any]) -> ToolNames[str]:
    """How clients may call them, with their prefixes and the server's."""
    return ToolNames({PREVIEW: PREVIEW, CONFIRM: CONFIRM}, (PREVIEW, CONFIRM), names.prefix)


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A call of one of these tools, with arguments that are as they should be."""

    tool: str
    token: str = ""
    action: str | None = None
    arguments: JSON | None = None


def own_call(tool: str, given: Mapping[str, Any]) -> OwnCall:
    """The call that was made. Raises InvalidArguments with every problem."""
    known = ("action", "arguments") if tool == PREVIEW else ("token", "action", "arguments")
    needed = known[0]
    problems = [
        Problem(name, f"{tool} has no argument of this name", f"It takes {', '.join(known)}.")
        for name in given
        if name not in known
    ]
    for name in known[: known.index("arguments")]:
        value = given.get(name)
        if (value is None and name == needed) or not isinstance(value, str | None) or value == "":
            problems.append(Problem(name, "must be a text", f"Give {name} as the schema of {tool} says."))
    arguments = given.get("arguments")
    if isinstance(arguments, str):
        arguments = unpacked(arguments, {"object"})
    if arguments is not None and not is_object(arguments):
        problems.append(Problem("arguments", "must be an object", "Give the action's arguments by name."))
    if problems:
        raise InvalidArguments(f"{tool} was called with arguments that it does not take.", tuple(problems))
    return OwnCall(tool, given.get("token") or "", given.get("action"), arguments)
