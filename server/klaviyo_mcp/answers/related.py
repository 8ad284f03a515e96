"""Records that came along with those asked for: their names, and which of them belong to what is shown."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.requests import Reply
from klaviyo_mcp.loose_json import JSON, is_list, mapping, objects
from klaviyo_mcp.registry.record_fields import NAME_LIKE, RECORD_FIELDS

Identity = tuple[str, str]
"""The type and id of a record."""


def included(replies: Sequence[Reply], shown: list[JSON] | None = None, joined: Collection[Identity] = ()) -> JSON:
    """Related records by type, each once, without those `joined` into others whole.

    With `shown`, those are left out that only records not shown point at.
    """
    found = by_identity(replies)
    if shown is not None:
        everything = [resource for reply in replies for resource in objects(mapping(reply.document).get("data"))]
        belonging = _reached(shown, found)
        others = _reached(everything, found) - belonging
        found = {identity: resource for identity, resource in found.items() if identity not in others}
    by_type: dict[str, list[JSON]] = {}
    for identity, resource in found.items():
        if identity not in joined:
            by_type.setdefault(identity[0], []).append(jsonapi.record(resource))
    return dict(by_type)


def by_identity(replies: Iterable[Reply]) -> dict[Identity, JSON]:
    """The related records of replies, by type and id."""
    return {
        identity_of(resource): resource
        for reply in replies
        for resource in objects(mapping(reply.document).get("included"))
    }


def names_of(resource: JSON, related: dict[Identity, JSON]) -> tuple[JSON, set[Identity]]:
    """What a resource is related to as `{id, name}`, where that is known, and those of which that is all there is."""
    names: JSON = {}
    whole: set[Identity] = set()
    for relation, value in mapping(resource.get("relationships")).items():
        data = mapping(value).get("data")
        found = [_named(other, related, whole) for other in objects(data)]
        if any(len(one) > 1 for one in found):
            names[relation] = found if is_list(data) else found[0]
    return names, whole


def _named(other: JSON, related: dict[Identity, JSON], whole: set[Identity]) -> JSON:
    identity = identity_of(other)
    record = jsonapi.record(related.get(identity, {}))
    listed = RECORD_FIELDS[identity[0]].listed if identity[0] in RECORD_FIELDS else ()
    likely = [*(name for name in listed if name in NAME_LIKE), *NAME_LIKE]
    name = next((name for name in likely if _is_name(record.get(name))), None)
    if name is None:
        return {"id": other.get("id")}
    if record.keys() <= {"id", name}:
        whole.add(identity)
    return {"id": other.get("id"), name: record[name]}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _reached(resources: Iterable[JSON], related: dict[Identity, JSON]) -> set[Identity]:
    """The related records that these point at, or that those point at."""
    reached: set[Identity] = set()
    waiting = list(resources)
    while waiting:
        for relation in mapping(waiting.pop().get("relationships")).values():
            for other in objects(mapping(relation).get("data")):
                identity = identity_of(other)
                if identity not in reached and identity in related:
                    reached.add(identity)
                    waiting.append(related[identity])
    return reached


def identity_of(resource: JSON) -> Identity:
    """The type and id of a resource, or of what points at one."""
    return str(resource.get("type")), str(resource.get("id"))
