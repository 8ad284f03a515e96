"""JSON:API documents to compact records, and paging links to cursors. Pure functions on loosely typed JSON.

A record is flat: `id`, the attributes, and the ids of related records. What is null or empty in Klaviyo is left out, as
it would cost an agent's context without telling it anything. What customers wrote is `UserText`.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from klaviyo_mcp.klaviyo.user_text import with_user_text
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping, objects

CURSOR_PARAMETERS = ("page[cursor]", "page_cursor")
"""The parameters that hold a cursor. Reports page with one of another name than everything else."""


def record(resource: JSON, *, with_type: bool = False) -> JSON:
    """One JSON:API resource object as a flat record."""
    found: JSON = {"type": resource["type"]} if with_type and "type" in resource else {}
    if resource.get("id") is not None:
        found["id"] = resource["id"]
    attributes = _without_nothing(mapping(resource.get("attributes")))
    found.update(with_user_text(resource.get("type"), attributes))
    if related := _related(resource):
        found["related"] = related
    if meta := mapping(resource.get("meta")):
        found["meta"] = meta
    return found


def fields(resource: JSON) -> JSON:
    """One JSON:API resource object as its id and all its attributes, nulls among them: for rules, not for agents."""
    attributes = with_user_text(resource.get("type"), mapping(resource.get("attributes")))
    return {"id": resource.get("id"), **attributes}


def fields_and_related(resource: JSON) -> JSON:
    """As `fields`, and the ids of what it is related to, by name, under `related`."""
    return {**fields(resource), "related": _related(resource)}


def fields_and_ids(resource: JSON) -> JSON:
    """As `fields`, and the id of each single resource it is related to as arguments name it: `image_id`."""
    single = {name: found for name, found in _related(resource).items() if isinstance(found, str)}
    return {**{f"{name.replace('-', '_')}_id": found for name, found in single.items()}, **fields(resource)}


def included(documents: Iterable[JSON]) -> dict[str, list[JSON]]:
    """The records that came along with those asked for, by type, each once."""
    found: dict[str, dict[str, JSON]] = {}
    for document in documents:
        for resource in objects(document.get("included")):
            found.setdefault(str(resource.get("type")), {})[str(resource.get("id"))] = fields_and_related(resource)
    return {kind: [*records.values()] for kind, records in found.items()}


def next_cursor(document: JSON) -> str | None:
    """The cursor of the next page, or None on the last page."""
    link = mapping(document.get("links")).get("next")
    return cursor_in(link) if isinstance(link, str) else None


def cursor_in(text: str) -> str:
    """The cursor in a whole `next` link; a bare cursor is returned as it is."""
    if "=" not in text or "cursor" not in text:
        return text
    query = parse_qs(urlsplit(text).query if "?" in text else text)
    return next((query[name][0] for name in CURSOR_PARAMETERS if name in query), text)


def _related(resource: JSON) -> JSON:
    """The ids of what a resource is related to, by name."""
    return {
        name: ids
        for name, relation in mapping(resource.get("relationships")).items()
        if (ids := _related_ids(mapping(relation).get("data"))) not in (None, [])
    }


def _related_ids(data: Any) -> Any:
    if is_list(data):
        return [item.get("id") for item in objects(data)]
    return mapping(data).get("id")


def _without_nothing(value: JSON) -> JSON:
    """A copy without nulls, empty objects and empty lists, at every depth; false, 0 and "" stay."""
    kept: JSON = {}
    for key, inner in value.items():
        shown: Any = _without_nothing(inner) if is_object(inner) else inner
        if shown is not None and shown != {} and shown != []:
            kept[key] = shown
    return kept
