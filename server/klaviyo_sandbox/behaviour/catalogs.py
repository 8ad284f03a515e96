"""How catalogue items, variants and categories come to be, change and go, one at a time or as the entries of a job."""

import json

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

ITEM, VARIANT, CATEGORY = "catalog-item", "catalog-variant", "catalog-category"
# The link between categories (source) and items (target).
CONTENTS = "category.items"

_LARGEST_METADATA = 100 * 1024
# What a body says about where an entry belongs; it is part of the id and not an attribute.
_PLACE = ("integration_type", "catalog_type")


def create(call: Call) -> Answer:
    """A new item, variant or category."""
    kind = call.operation.resource
    identifier = create_entry(kind, call, call.data)
    return documents.one(call, Row(identifier, call.require(kind, identifier)), 201)


def update(call: Call) -> Answer:
    """Changes to an item, variant or category."""
    kind = call.operation.resource
    identifier = update_entry(kind, call, call.data)
    return documents.one(call, Row(identifier, call.require(kind, identifier)))


def create_entry(kind: str, session: Session, data: Json) -> str:
    """Make what `data` describes and return its id. Raises ApiError (400, 404, 409)."""
    attributes: Json = {name: value for name, value in data["attributes"].items() if name not in _PLACE}
    identifier = entry_id(attributes["external_id"])
    _check_metadata(attributes)
    if session.store.get(session.account, kind, identifier) is not None:
        raise conflict(f"A {kind.replace('-', ' ')} with id {identifier} already exists.")
    resource = session.world.resources[kind]
    given = {name: value for name, value in attributes.items() if value is not None}
    stamps = dict.fromkeys(resource.stamps, session.stamp)
    body: Json = {**resource.defaults, **given, **stamps}
    relationships: Json = data.get("relationships", {})
    if kind == VARIANT:
        item: str = relationships["item"]["data"]["id"]
        session.require(ITEM, item)
        body["_item_id"] = item
    session.store.insert(session.account, kind, identifier, body)
    _relate(session, kind, identifier, relationships)
    return identifier


def update_entry(kind: str, session: Session, data: Json) -> str:
    """Change what `data` names and return its id. Raises ApiError (400, 404).

    Absent keeps. Null goes back to what a new one starts with, and keeps what a new one has to be given.
    """
    identifier: str = data["id"]
    body = session.require(kind, identifier)
    attributes: Json = data["attributes"]
    _check_metadata(attributes)
    resource = session.world.resources[kind]
    for name, value in attributes.items():
        if value is not None or name in resource.defaults:
            body[name] = resource.defaults[name] if value is None else value
    body[resource.stamps[1]] = session.stamp
    session.store.replace(session.account, kind, identifier, body)
    _relate(session, kind, identifier, data.get("relationships", {}))
    return identifier


def delete_entry(kind: str, session: Session, data: Json) -> str:
    """Remove what `data` names, with the variants of an item, and return its id. Raises ApiError (404)."""
    identifier: str = data["id"]
    session.require(kind, identifier)
    session.store.remove(session.account, kind, identifier)
    return identifier


def entry_id(external_id: str) -> str:
    """The id of an entry. There is one integration and one catalogue for what comes through the API."""
    return f"$custom:::$default:::{external_id}"


def _relate(session: Session, kind: str, identifier: str, relationships: Json) -> None:
    """Put an item into exactly these categories, or these items into a category, if the body says which."""
    name, other = ("categories", CATEGORY) if kind == ITEM else ("items", ITEM)
    listed = relationships.get(name, {}).get("data")
    if kind == VARIANT or listed is None:
        return
    wanted = list(dict.fromkeys(entry["id"] for entry in listed))
    for there in wanted:
        if session.store.get(session.account, other, there) is None:
            raise session.missing(other, there)
    relation = session.world.resources[kind].relation(name)
    related = session.store.related_ids(session.account, relation, [identifier])[identifier]
    for there in related:
        if there not in wanted:
            session.store.unlink(session.account, CONTENTS, *_ends(kind, identifier, there))
    for there in wanted:
        session.store.link(session.account, CONTENTS, *_ends(kind, identifier, there), session.micros)


def _ends(kind: str, here: str, there: str) -> tuple[str, list[str]]:
    return (there, [here]) if kind == ITEM else (here, [there])


def _check_metadata(attributes: Json) -> None:
    if len(json.dumps(attributes.get("custom_metadata"), ensure_ascii=False).encode()) > _LARGEST_METADATA:
        raise invalid_body("/data/attributes/custom_metadata", "'custom_metadata' must not be larger than 100 KB.")
