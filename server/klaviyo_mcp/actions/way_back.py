"""The call that takes a write back: what its spec says of it, with what was there before and what came of it."""

from collections.abc import Callable, Iterator

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.sentences import NOTHING
from klaviyo_mcp.actions.steps import given
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.clearing import CLEAR, clearable
from klaviyo_mcp.registry.consequences import Look, WayBack
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.model import ActionSpec

MERGED = frozenset({"properties", "location"})
"""Arguments of which Klaviyo changes only the keys that are given."""
Accepts = Callable[[str, JSON], object]
"""Plans a call, and raises ActionError for one that would not be taken."""


def before_images(spec: ActionSpec) -> Iterator[Look]:
    """The looks that have to be made before a write for it to be taken back."""
    ways = spec.consequences.way_back
    names = {one.restores for one in ways} | {name.partition(".")[0] for one in ways for name in holes(one.arguments)}
    yield from (look for look in spec.consequences.looks if look.name in names)


def way_back(spec: ActionSpec, arguments: JSON, before: JSON, record: JSON, accepts: Accepts) -> JSON:
    """`{action, arguments}` that take a call back, with `note` where it does more or less than that; empty for none.

    `before` holds the looks by name, `record` what Klaviyo answered.
    """
    values: JSON = {**arguments, **before, "record": record}
    for one in spec.consequences.way_back:
        if not all(given(hole, values) for hole in one.when) or any(given(hole, values) for hole in one.unless):
            continue
        called: JSON = fill(one.arguments, values)
        left: list[str] = []
        if one.restores is not None:
            if one.restores not in before:
                continue
            restored = _restored(spec, one, arguments, before[one.restores], left)
            if one.unsets is not None and (new := [name for name in left if name.startswith("properties.")]):
                left = [name for name in left if name not in new]
                restored[one.unsets] = [name.removeprefix("properties.") for name in new]
            if not restored:
                continue
            called |= restored
        try:
            accepts(one.action, called)
        except ActionError:
            continue
        note = " ".join([*([one.note] if one.note else []), *_not_restored(left)])
        return {"action": one.action, "arguments": called, **({"note": note} if note else {})}
    return {}


def _restored(spec: ActionSpec, one: WayBack, arguments: JSON, before: JSON, left: list[str]) -> JSON:
    """What was there before, for each argument that was given and changes it; `left` gets what cannot be restored."""
    found: JSON = {}
    empty: list[str] = []
    for name, value in arguments.items():
        if name in one.arguments or name not in before:
            continue
        was = before[name]
        if name in MERGED and is_object(value):
            was = {key: old for key, old in (was if is_object(was) else {}).items() if key in value}
            empty += [f"{name}.{key}" for key in value if was.get(key) in NOTHING]
            was = {key: old for key, old in was.items() if old not in NOTHING}
            value = {key: value[key] for key in was}
        if was == value or (was in NOTHING and value in NOTHING):
            continue
        if was in NOTHING or was == {}:
            if name not in MERGED:
                empty.append(name)
            continue
        found[name] = was
    can = [name for name in empty if name in clearable(spec.input_schema)]
    left += [name for name in empty if name not in can]
    return {**found, **({CLEAR: can} if can else {})}


def _not_restored(left: list[str]) -> Iterator[str]:
    if left:
        yield f"It does not empty what was empty before: {', '.join(left[:20])}."
