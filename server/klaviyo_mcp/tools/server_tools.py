"""Tools of the server's own, beside those of actions: they find an action, describe it, run it, and guard it.

Which of them there are follows from the exposure. Nothing is imported that only calls need: a server lists its tools
before that is loaded.
"""

from typing import Any

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.tool_names import (
    CONFIRM,
    DESCRIBE,
    FIND,
    PREVIEW,
    READ_MORE,
    RUN_TOOLS,
    SERVER_TOOLS,
    ToolNames,
)
from klaviyo_mcp.runtime.exposure import Exposure

MOST_CALLS = 10
MOST_FOUND = 20
_NAME: JSON = {"type": "string", "description": "Its name, as find_actions gives it."}
_ARGUMENTS: JSON = {"description": "Its arguments by name.", "anyOf": [{"type": "object"}, {"type": "string"}]}
"""An object, or its JSON: where a schema is made strict, an object of which no property is listed can only be empty."""


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
SEVERAL = ("sort", "fields", "group_by", "sum", "average", "min", "max")
"""Arguments of read_more that are lists of names, or one text with commas, in which they are listed in fewer bytes."""
_TOOLS = (
    _tool(
        FIND,
        "Find actions",
        "Find the actions of Klaviyo that do what is wanted, said in plain words: 'how many people are on a list', "
        "'pause a flow'. Answers names, what they do, what they need, and which tool runs them. There are over 450.",
        {
            "query": {"type": "string", "description": "What is wanted, in a few words or a sentence."},
            "limit": {
                "type": "integer",
                "description": "How many to show; 8 when absent.",
                "minimum": 1,
                "maximum": MOST_FOUND,
            },
        },
        ["query"],
        effect="read",
    ),
    _tool(
        DESCRIBE,
        "Describe an action",
        "All about one action before it is called: what it does, every argument, rules, filters, scopes, examples.",
        {"action": {"type": "string", "description": f"{_NAME['description']} Or a guide: guide:segments."}},
        ["action"],
        effect="read",
    ),
    _tool(
        RUN_TOOLS["read"],
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
        RUN_TOOLS["write"],
        "Run a writing action",
        "Run an action whose effect is write: it makes or changes something.",
        _CALL,
        ["action"],
        effect="write",
    ),
    _tool(
        RUN_TOOLS["destructive"],
        "Run a destructive action",
        "Run an action whose effect is destructive: it removes something, reaches people, or cannot be taken back.",
        _CALL,
        ["action"],
        effect="destructive",
    ),
    _tool(
        READ_MORE,
        "Read more",
        "Go through a long answer by its answer_id, without asking Klaviyo: where [{field, operator, value}], sort "
        "(-value), group_by (created:month), sum… of fields (a.b, c), or one part. guide:answers has examples.",
        {
            "answer_id": {"type": "string"},
            "list": {"type": "string"},
            "where": {"type": "array", "items": {"type": "object"}},
            **{name: {"type": "string"} for name in SEVERAL},
            "count": {"type": "boolean"},
            "limit": {"type": "integer"},
            "offset": {"type": "integer"},
            "part": {"type": "string"},
        },
        ["answer_id"],
        effect="read",
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
            "arguments": {**_ARGUMENTS, "description": "With action: its arguments, exactly as they were."},
        },
        ["token"],
        effect="destructive",
    ),
)
BY_NAME = {str(tool["name"]): tool for tool in _TOOLS}


def server_tools(exposure: Exposure, names: ToolNames[Any]) -> list[JSON]:
    """Those that an exposure has, as they are listed."""
    shown = [FIND, DESCRIBE, *RUN_TOOLS.values()] if exposure.searches else []
    shown += [READ_MORE] if exposure.keeps_answers else []
    shown += [PREVIEW, CONFIRM]
    if exposure.read_only:
        shown = [name for name in shown if name in (FIND, DESCRIBE, RUN_TOOLS["read"], READ_MORE)]
    elif not exposure.confirms:
        shown.remove(CONFIRM)
    return [_listed(BY_NAME[name], names) for name in shown]


def _listed(tool: JSON, names: ToolNames[Any]) -> JSON:
    """A tool that speaks of the others by the names that are listed."""
    told = {"description": names.told(str(tool["description"])), "inputSchema": names.told_schema(tool["inputSchema"])}
    return {**tool, **told, "name": names.listed(str(tool["name"]))}


def own_names(names: ToolNames[Any]) -> ToolNames[str]:
    """How clients may call them, with their prefixes and the server's."""
    return ToolNames({name: name for name in SERVER_TOOLS}, SERVER_TOOLS, names.prefix)
