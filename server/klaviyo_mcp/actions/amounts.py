"""How much a request changes: the records and the people that its body names, as JSON:API writes them."""

from typing import Any

from klaviyo_mcp.klaviyo.requests import ApiRequest
from klaviyo_mcp.loose_json import is_list, mapping, objects

PERSON = "profile"


def items_of(request: ApiRequest) -> int:
    """How many records a request works on: those of its lists, whatever holds them, and one at least."""
    return max(1, _listed(mapping(request.body).get("data"), ""))


def people_of(request: ApiRequest) -> int:
    """How many people a request names, none where it is about something else."""
    return _listed(mapping(request.body).get("data"), PERSON)


def _listed(data: Any, kind: str) -> int:
    """The resources of a kind, or of any, in a list and in the lists inside; a job or relation counts by its lists."""
    if is_list(data):
        return sum(max(_inside(one, kind), 1 if not kind or one.get("type") == kind else 0) for one in objects(data))
    within = _inside(data, kind)
    return within or (1 if kind and mapping(data).get("type") == kind else 0)


def _inside(resource: Any, kind: str) -> int:
    parts = [mapping(mapping(resource).get(part)) for part in ("attributes", "relationships")]
    return max((_listed(mapping(inner).get("data"), kind) for part in parts for inner in part.values()), default=0)
