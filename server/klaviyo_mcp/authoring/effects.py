"""Effects that a spec states and the effects of what it does: they have to agree, or a read could hide a deletion."""

from collections.abc import Iterator

from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_mcp.registry.registry import STRENGTH, Action, Registry

READING = {"GET", "POST"}
"""Methods of operations that may only read; Klaviyo's reports and aggregates are asked for with POST."""


def effect_problems(specs: list[ActionSpec]) -> Iterator[tuple[ActionSpec, str]]:
    """Every spec whose `effect` contradicts what it is made of or looks up, with the sentence that says so."""
    registry = Registry(specs)
    for action in registry.actions:
        spec = action.spec
        if action.parts:
            yield from ((spec, says) for says in _composite(action, registry))
        elif isinstance(spec.request, HttpRequest) and spec.request.method not in READING and spec.effect == "read":
            yield spec, f"a {spec.request.method} changes something: its effect is not 'read'"
        for rule in spec.preconditions:
            for lookup in rule.lookups:
                looked_up = registry.by_name.get(lookup.action)
                if looked_up is not None and looked_up.effect != "read":
                    yield spec, f"{looked_up.name} changes something; a rule may only look up with a read"


def _composite(action: Action, registry: Registry) -> Iterator[str]:
    parts = [part for name in action.parts if (part := registry.by_name.get(name)) is not None]
    if any(action in registry.closure(part) for part in parts):
        yield "it is made of itself"
        return
    strongest = max(parts, key=lambda part: STRENGTH[part.effect], default=None)
    if strongest is not None and strongest.effect != action.spec.effect:
        derived = strongest.effect
        yield f"its effect is {derived!r}, as that of {strongest.name} which it is made of, not {action.spec.effect!r}"
