"""How to find out whether a write of unknown outcome was done: a read, with its arguments, that shows it.

From the spec's own `verify` where its arguments are known without an answer; else from what is there to read: the
record that was to be changed, the jobs of its kind, or the records of its type with the same name.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.answers.conditions import holds
from klaviyo_mcp.answers.notes import CLOCKS_DIFFER
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Action, Registry

BY = ("equals", "contains")
"""Operators that find what has a certain value, the best first."""
LONGEST_VALUE = 200
NEWEST_FIRST = ("-created", "-created_at", "-updated", "-updated_at")


def check_of(spec: ActionSpec, arguments: JSON, registry: Registry) -> JSON | None:
    """The action and arguments that show what became of a call with these arguments; None where nothing can be read."""
    values = {**arguments, "since": f"{datetime.now(UTC) - CLOCKS_DIFFER:%Y-%m-%dT%H:%M:%SZ}"}
    stated = (
        (look.action, fill(look.arguments, values))
        for look in spec.result.verifications
        if holds(look.when, values) and all(_is_known(name, values) for name in holes(look.arguments))
    )
    for name, asked in (*stated, *_by_type(spec, arguments, registry)):
        if _can_be_called(registry[name], asked, registry):
            return {"action": name, "arguments": asked}
    return None


def _can_be_called(action: Action, arguments: JSON, registry: Registry) -> bool:
    try:
        Gate(registry).admit(action, arguments, None)
    except ActionError:
        return False
    return True


def _is_known(name: str, values: JSON) -> bool:
    first = name.partition(".")[0]
    return values.get(first) not in (None, "", [], {})


def _by_type(spec: ActionSpec, arguments: JSON, registry: Registry) -> Iterator[tuple[str, JSON]]:
    """Reads of the type that was to be made or changed: of the one, of those with its name, of the newest."""
    if (kind := spec.result.type) is None:
        return
    reads = [one for one in registry.actions if one.spec.effect == "read" and one.spec.result.type == kind]
    if (given := arguments.get("id")) is not None:
        yield from ((one.name, {"id": given}) for one in reads if one.spec.result.kind == "resource")
    for listing in reads:
        if listing.spec.result.kind == "collection":
            yield from ((listing.name, {"filter": [found]}) for found in _conditions(listing, arguments))
            orders = listing.spec.properties.get("sort", {}).get("enum", [])
            newest = next((order for order in NEWEST_FIRST if order in orders), None)
            yield listing.name, {"sort": newest} if newest else {}


def _conditions(listing: Action, arguments: JSON) -> Iterator[JSON]:
    """Conditions on fields of a record that were given under the same name."""
    for field, allowed in listing.spec.filters.items():
        value = arguments.get(field, arguments.get(field.replace(".", "_")))
        if not isinstance(value, str) or not value or len(value) > LONGEST_VALUE:
            continue
        one = next((operator for operator in BY if operator in allowed.one), None)
        if one:
            yield {"field": field, "operator": one, "value": value}
        elif "any" in allowed.many:
            yield {"field": field, "operator": "any", "value": [value]}
