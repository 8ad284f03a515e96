"""Records that came along with those asked for: which of them belong to what is shown."""

from collections.abc import Iterable

from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.requests import Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects

Identity = tuple[str, str]
"""The type and id of a record."""


def included(replies: Iterable[Reply], shown: list[JSON] | None = None) -> JSON:
    """Related records by type, each once. With `shown`, those are left out that only records not shown point at."""
    documents = [mapping(reply.document) for reply in replies]
    found = {_identity(resource): resource for document in documents for resource in objects(document.get("included"))}
    if shown is not None:
        everything = [resource for document in documents for resource in objects(document.get("data"))]
        belonging = _reached(shown, found)
        others = _reached(everything, found) - belonging
        found = {identity: resource for identity, resource in found.items() if identity not in others}
    by_type: dict[str, list[JSON]] = {}
    for (kind, _), resource in found.items():
        by_type.setdefault(kind, []).append(jsonapi.record(resource))
    return dict(by_type)


def _reached(resources: Iterable[JSON], related: dict[Identity, JSON]) -> set[Identity]:
    """The related records that these point at, or that those point at."""
    reached: set[Identity] = set()
    waiting = list(resources)
    while waiting:
        for relation in mapping(waiting.pop().get("relationships")).values():
            for other in objects(mapping(relation).get("data")):
                identity = _identity(other)
                if identity not in reached and identity in related:
                    reached.add(identity)
                    waiting.append(related[identity])
    return reached


def _identity(resource: JSON) -> Identity:
    return str(resource.get("type")), str(resource.get("id"))
