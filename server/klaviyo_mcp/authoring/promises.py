"""What a release promises of actions, and what of it another catalogue breaks: docs/releasing.md has the policy.

A promise has names, aliases, effects, and arguments with their types, values and whether they must be given. It is JSON
with a line per action, so that each change is a readable diff.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry

STRENGTH = ("read", "write", "destructive")
MOST_VALUES = 40
"""Of an argument with more allowed values none is promised by itself."""


def promise(registry: Registry, tools: Iterable[JSON] = ()) -> JSON:
    """What the actions of a registry promise, by name, and the server's own tools, given as they are listed."""
    actions = {action.name: _promised(action.spec, action.effect) for action in registry.actions}
    return {tool["name"]: _promised_tool(tool) for tool in tools} | actions


def written(promised: JSON) -> str:
    """As a file, in the order of names."""
    lines = (f"{json.dumps(name)}: {json.dumps(promised[name], sort_keys=True)}" for name in sorted(promised))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def broken(old: JSON, new: JSON) -> Iterator[str]:
    """Every promise of `old` that `new` does not keep, as a sentence. What was deprecated in `old` may be gone."""
    owners = {name: owner for owner, one in new.items() for name in (owner, *one["aliases"])}
    for name, before in old.items():
        for called in (name, *before["aliases"]):
            if called not in owners and "deprecated" not in before:
                yield f"{called} is gone: keep it as an alias of what does its work, or deprecate it for a release"
        if name in owners:
            yield from _broken_action(name, before, new[owners[name]])


def _promised(spec: ActionSpec, effect: str) -> JSON:
    made: JSON = {
        "aliases": sorted(spec.aliases),
        "effect": effect,
        "arguments": {name: _argument(spec, name, schema) for name, schema in spec.properties.items()},
    }
    return {**made, "deprecated": spec.deprecated.since} if spec.deprecated else made


def _promised_tool(tool: JSON) -> JSON:
    hints, schema = tool["annotations"], tool["inputSchema"]
    effect = "read" if hints["readOnlyHint"] else "destructive" if hints["destructiveHint"] else "write"
    arguments = {
        name: {"types": _types(one, {}), **({"required": True} if name in schema.get("required", []) else {})}
        for name, one in schema["properties"].items()
    }
    return {"aliases": [], "effect": effect, "arguments": arguments}


def _argument(spec: ActionSpec, name: str, schema: JSON) -> JSON:
    made: JSON = {"types": _types(schema, mapping(spec.input_schema.get("$defs")))}
    if 0 < len(values := items(schema.get("enum"))) <= MOST_VALUES:
        made["values"] = [*values]
    if name in spec.required:
        made["required"] = True
    if name in spec.deprecated_arguments:
        made["deprecated"] = spec.deprecated_arguments[name].since
    return made


def _types(schema: JSON, known: JSON) -> list[str]:
    """The types that an argument may have, sorted; none where it may have any."""
    if reference := schema.get("$ref"):
        return _types(mapping(known.get(str(reference).rpartition("/")[2])), known)
    found = schema.get("type", [])
    types = {found} if isinstance(found, str) else {str(one) for one in items(found)}
    for kind in ("anyOf", "oneOf"):
        types |= {one for part in items(schema.get(kind)) for one in _types(mapping(part), known)}
    return sorted(types)


def _broken_action(name: str, before: JSON, after: JSON) -> Iterator[str]:
    if STRENGTH.index(after["effect"]) > STRENGTH.index(before["effect"]):
        yield f"{name} was {before['effect']} and is {after['effect']}: who was allowed it is not asked again"
    arguments: dict[str, Any] = after["arguments"]
    for argument, promised in before["arguments"].items():
        if argument not in arguments:
            if "deprecated" not in promised:
                yield f"{name}.{argument} is gone: deprecate it for a release first"
            continue
        yield from _broken_argument(f"{name}.{argument}", promised, arguments[argument])
    for argument, now in arguments.items():
        if now.get("required") and argument not in before["arguments"]:
            yield f"{name}.{argument} is new and required: calls of before do not have it"


def _broken_argument(name: str, before: JSON, after: JSON) -> Iterator[str]:
    if after.get("required") and not before.get("required"):
        yield f"{name} has become required"
    if after["types"] and (lost := sorted({*before["types"]} - {*after["types"]}) or not before["types"]):
        yield f"{name} takes less than before: {', '.join(lost) if lost is not True else 'it took any type'}"
    if (now := after.get("values")) is not None:
        gone = [value for value in before.get("values", []) if value not in now]
        if gone or "values" not in before:
            yield f"{name} takes fewer values than before: {', '.join(map(str, gone)) or 'it took any'}"
