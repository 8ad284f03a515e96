"""How to find out whether a write of unknown outcome was done: a read, with its arguments, that shows it.

From the spec's own `verify` where its arguments are known without an answer; else from what is there to read: the
record that was to be changed, the jobs of its kind, or the records of its type with the same name.
"""

from datetime import UTC, datetime

from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.answers.conditions import holds
from klaviyo_mcp.answers.notes import CLOCKS_DIFFER
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Action, Registry

BY = ("equals", "any", "contains")
"""Operators that find what has a certain value, the best first."""
NEWEST_FIRST = ("-created", "-created_at", "-updated", "-updated_at")


def check_of(spec: ActionSpec, arguments: JSON, registry: Registry) -> JSON | None:
    """The action and arguments that show what became of a call with these arguments; None where nothing can be read."""
    values = {**arguments, "since": f"{datetime.now(UTC) - CLOCKS_DIFFER:%Y-%m-%dT%H:%M:%SZ}"}
    for look in spec.result.verifications:
        if holds(look.when, values) and all(_is_known(name, values) for name in holes(look.arguments)):
            return {"action": look.action, "arguments": fill(look.arguments, values)}
    return _by_type(spec, arguments, registry)


def _is_known(name: str, values: JSON) -> bool:
    first = name.partition(".")[0]
    return values.get(first) not in (None, "", [], {})


def _by_type(spec: ActionSpec, arguments: JSON, registry: Registry) -> JSON | None:
    """A read of records of the type that was to be made or changed."""
    kind = spec.result.type
    reads = [
        action
        for action in registry.actions
        if kind and action.spec.effect == "read" and action.spec.result.type == kind
    ]
    if (given := arguments.get("id")) is not None:
        same = next((one for one in reads if _is_single(one)), None)
        return {"action": same.name, "arguments": {"id": given}} if same else None
    return next((_listing(one, arguments) for one in reads if _is_listing(one)), None)


def _is_single(action: Action) -> bool:
    return action.spec.result.kind == "resource" and action.spec.required == ["id"]


def _is_listing(action: Action) -> bool:
    return action.spec.result.kind == "collection" and not action.spec.required


def _listing(action: Action, arguments: JSON) -> JSON:
    """The records with the same name or other identifier, or else the newest."""
    for field, allowed in action.spec.filters.items():
        value = arguments.get(field)
        operator = next((one for one in BY if one in allowed.one), None)
        if operator and isinstance(value, str) and value and len(value) <= 200:
            return {
                "action": action.name,
                "arguments": {"filter": [{"field": field, "operator": operator, "value": value}]},
            }
    orders = action.spec.properties.get("sort", {}).get("enum", [])
    newest = next((order for order in NEWEST_FIRST if order in orders), None)
    return {"action": action.name, "arguments": {"sort": newest} if newest else {}}
