"""Idempotency keys: what makes a request with the same key count once, generated where a caller gives none.

A spec's `idempotency_key` says where they stand. A key belongs to a plan, so that a preview, a run and all repetitions
of a request have the same one.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from uuid import uuid4

from klaviyo_mcp.klaviyo.requests import Repeatable
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.model import ActionSpec


@dataclass(frozen=True, slots=True)
class Keyed:
    """Arguments with all their keys, and those that were generated."""

    arguments: JSON
    added: tuple[str, ...] = ()


def with_keys(spec: ActionSpec, arguments: JSON) -> Keyed:
    """The arguments with a key of its own everywhere that one is missing. Those given are left as they are."""
    if spec.idempotency_key is None or not _missing(spec, arguments):
        return Keyed(arguments)
    arguments = deepcopy(arguments)
    holders = list(_holders(arguments, _path(spec)))
    made = f"mcp-{uuid4().hex}"
    name = _path(spec)[-1]
    added: list[str] = []
    for number, holder in enumerate(holders, 1):
        if not holder.get(name):
            holder[name] = made if len(holders) == 1 else f"{made}-{number}"
            added.append(holder[name])
    return Keyed(arguments, tuple(added))


def keys_of(spec: ActionSpec, arguments: JSON) -> list[str]:
    """The keys that a request with these arguments has, in order."""
    if spec.idempotency_key is None:
        return []
    name = _path(spec)[-1]
    return [str(holder[name]) for holder in _holders(arguments, _path(spec)) if holder.get(name)]


def repeatable(spec: ActionSpec, arguments: JSON) -> Repeatable:
    """What sending a request of this action twice means."""
    if spec.effect == "read":
        return "read"
    keyed = spec.idempotency_key is not None and not _missing(spec, arguments)
    return "idempotent" if spec.idempotent or keyed else "once"


def _missing(spec: ActionSpec, arguments: JSON) -> bool:
    name = _path(spec)[-1]
    return any(not holder.get(name) for holder in _holders(arguments, _path(spec)))


def _path(spec: ActionSpec) -> list[str]:
    return (spec.idempotency_key or "").replace("[]", "").split(".")


def _holders(value: object, path: list[str]) -> Iterator[JSON]:
    """The objects that have, or should have, the last name of a path."""
    if is_list(value):
        for item in value:
            yield from _holders(item, path)
    elif is_object(value):
        if len(path) == 1:
            yield value
        else:
            yield from _holders(value.get(path[0]), path[1:])
