"""Answers about actions themselves: which do what was asked for, and what one needs to be called."""

import json
from collections.abc import Sequence
from typing import Any

from klaviyo_mcp.actions.finding import Found
from klaviyo_mcp.actions.sparse import fieldset
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.guides import guides_of
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.tool_names import RUN_TOOLS
from klaviyo_mcp.registry.tool_schema import listed_schema

SHOWN_WHOLE = 3
"""Actions of an answer that come with their arguments."""
LONGEST_EXAMPLE = 400
LONGEST_WORDS = 260
"""Characters of what is said of an argument; describe_action has it whole."""
PLAIN = frozenset({"cursor", "max_records", "page_size", "fields"})
"""Arguments that every list takes: what they are stands in the server's instructions."""
LONGEST_ECHO = 200
"""Characters of a question that are repeated to who asked it."""


def found(registry: Registry, query: str, result: Found) -> Answer:
    """The actions that search found, the first with all that a call needs; a warning where probably none does it."""
    shown = [_entry(registry, action, whole=at < SHOWN_WHOLE) for at, action in enumerate(result.actions)]
    if result.likely:
        return Answer(
            {"actions": shown},
            f"{len(shown)} actions, the likeliest first, each with the tool that runs it: "
            '{"action": name, "arguments": {…}}. What is marked * is needed. describe_action tells all of one.',
        )
    asked = f"{query[:LONGEST_ECHO]}…" if len(query) > LONGEST_ECHO else query
    if result.kept_back:
        none = f"No action that this server lets through does {asked!r}, though Klaviyo has one that it may not run."
        then = "Tell the user so."
    else:
        none = f"Probably no action of Klaviyo's does {asked!r}, as far as words tell."
        then = (
            "Ask in other words, or for the thing itself (lists, campaigns, profiles, …); if that finds nothing that "
            "fits either, tell the user that this server cannot do it."
        )
    near = " What comes nearest is shown, but do not run it in place of what was asked." if shown else ""
    return Answer({"probably_none": True, "actions": shown}, f"{none}{near} {then}")


def described(action: Action, registry: Registry) -> Answer:
    """All that an agent can know of an action before it is called."""
    spec = action.spec
    data = _entry(registry, action, whole=False)
    data.pop("required", None)
    more: JSON = {
        "description": spec.told_description,
        "arguments": listed_schema(spec),
        "fields": _fields(action),
        "also_called": list(spec.aliases),
        "scopes": list(spec.scopes),
        "stronger_when": [one.says for one in spec.effect_when],
        "rules": [rule.hint for rule in spec.preconditions if rule.hint],
        "filters": {name: _operators(field) for name, field in spec.filters.items()},
        "examples": [{"when": one.when, "arguments": one.arguments} for one in spec.examples],
    }
    data |= {key: value for key, value in more.items() if value}
    return Answer(data, f"{action.name}: {spec.title}. Run it with {RUN_TOOLS[action.effect]}.")


def _fields(action: Action) -> JSON:
    """What `fields` may name, without what lies inside of others; and of the records that come along."""
    known = fieldset(action)
    if known is None:
        return {}
    own = [*known.tops, *(name for name in known.table.lines if name not in known.tops)]
    related = {found.include: found.names for found in known.related.values()}
    shown = {known.kind: own, **{name: _tops(names) for name, names in related.items()}}
    return {kind: ", ".join(names) for kind, names in shown.items()}


def _tops(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _entry(registry: Registry, action: Action, *, whole: bool) -> JSON:
    spec = action.spec
    entry: JSON = {
        "name": registry.names.listed(spec.name),
        "summary": spec.told_summary,
        "effect": action.effect,
        "run_with": registry.names.listed(RUN_TOOLS[action.effect]),
        "required": spec.required,
    }
    if spec.examples and len(str(example := spec.examples[0].arguments)) <= LONGEST_EXAMPLE:
        entry["example"] = example
    if guides := [guide.asked_as for guide in guides_of(spec.name)]:
        entry["guides"] = guides
    if whole:
        arguments: dict[str, Any] = mapping(listed_schema(spec)["properties"])
        entry["arguments"] = {name: _short(schema) for name, schema in arguments.items() if name not in PLAIN}
    return entry


def found_text(answer: Answer) -> str:
    """What was found as text: a line for each action, and below the first of them a line for each argument."""
    lines = [answer.summary]
    for number, one in enumerate(answer.data["actions"], 1):
        guides = f" See {', '.join(one['guides'])}." if "guides" in one else ""
        lines.append(f"{number}. {one['name']} ({one['run_with']}): {one['summary']}{guides}")
        told = one.get("arguments", {})
        lines += [f"   {name}{'*' if name in one['required'] else ''}: {words}" for name, words in told.items()]
        if missing := [name for name in one["required"] if name not in told]:
            lines.append(f"   needs {', '.join(missing)}")
        if "example" in one:
            lines.append(f"   such as {json.dumps(one['example'], ensure_ascii=False, separators=(',', ':'))}")
    return "\n".join(lines)


def _short(schema: JSON) -> str:
    """An argument in few words: its type, what it can be, and what it is."""
    items = mapping(schema.get("items"))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        kind = f"list of {items.get('type', 'any')}"
    choices = schema.get("enum") or items.get("enum")
    if choices:
        kind += f", one of {', '.join(map(str, choices[:12]))}{', …' if len(choices) > 12 else ''}"
    words = str(schema.get("description", "")).strip()
    if len(words) > LONGEST_WORDS:
        words = f"{words[:LONGEST_WORDS].rpartition(' ')[0]} …"
    return f"{kind}. {words}" if words else kind


def _operators(field: Any) -> str:
    return f"{field.type}: {', '.join(dict.fromkeys([*field.one, *field.many, *field.alone]))}"
