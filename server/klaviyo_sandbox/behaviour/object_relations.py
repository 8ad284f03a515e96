"""Relationships of object schemas with other schemas and with profiles.

A relationship is a row of its own with an id, a name and a description. To the outside it is known by a compound id,
`{related id}:::{name}`, and it is shown only as part of what it relates. Types are related as their schemas are.
"""

from dataclasses import replace
from typing import Any

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body, not_found
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

RELATION = "object-relationship"
PROFILE = "profile"
_WITH_PROFILES = ("profile-object-types", "profile-object-schemas")
_INCLUDES = ("object-types", "object-schemas", *_WITH_PROFILES)


def schema_relations(session: Session, schema: str) -> dict[str, Json]:
    """The relationships that start at a schema, by their ids."""
    return {row.id: row.body for row in session.store.find(session.account, RELATION, "schema_id", schema)}


def list_schema_relations(call: Call) -> Answer:
    """The compound ids of a schema's relationships with schemas, or with profiles."""
    call.require("object-schema", call.id)
    return documents.identifiers(call, [Row(compound, {}) for compound, _ in _of_schema(call, call.operation.relation)])


def list_type_relations(call: Call) -> Answer:
    """The compound ids of a type's relationships with types, or with profiles. A type that nobody has has none."""
    body = call.store.get(call.account, "object-type", call.id)
    found = [] if body is None else _of_type(call, body, call.operation.relation)
    return documents.identifiers(call, [Row(compound, {}) for compound, _ in found])


def get_with_relations(call: Call) -> Answer:
    """A type or schema by its id. Relationships can be included like resources, with their facts in `meta`."""
    names = [name for name in call.query.include if name in _INCLUDES]
    ordinary = tuple(name for name in call.query.include if name not in _INCLUDES)
    answer = generic.get_resource(replace(call, query=replace(call.query, include=ordinary)))
    document: Json = answer.document or {}
    # `meta` belongs to included relationships; the resource itself has none.
    document["data"]["attributes"].pop("meta", None)
    for item in document.get("included", ()):
        item["attributes"].pop("meta", None)
    kind = call.operation.resource
    for name in names:
        found = _of_type(call, call.require(kind, call.id), name) if kind == "object-type" else _of_schema(call, name)
        related = call.world.resources[kind].relation(name).type
        if "relationships" in document["data"]:
            linkage = [{"type": related, "id": compound} for compound, _ in found]
            entry = document["data"]["relationships"][name]
            document["data"]["relationships"][name] = {"data": linkage, **entry}
        shown = [_shown(call, name, related, row, compound) for compound, row in found]
        document.setdefault("included", []).extend(shown)
    return answer


def create_relations(call: Call) -> Answer:
    """Relate a schema to the ones the body lists, or to profiles. All must be possible, or nothing happens."""
    call.require("object-schema", call.id)
    for index, item in enumerate(call.data):
        meta: Json | None = item.get("meta")
        if meta is None:
            raise invalid_body(f"/data/{index}/meta", "'meta' with the name of the relationship is required.")
        if _about_profiles(call):
            _require_profile(item["id"], f"/data/{index}/id")
        else:
            call.require("object-schema", item["id"])
        _check_name(call, meta["name"])
        body: Json = {
            "name": meta["name"],
            "description": meta.get("description") or "",
            "_schema": call.id,
            "_related": item["id"],
        }
        call.store.insert(call.account, RELATION, call.new_id(RELATION), body)
    return Answer(204)


def update_relation(call: Call) -> Answer:
    """Rename or describe a relationship."""
    meta = call.data.get("meta")
    identifier, body = _found(call, call.data, "/data")
    given = {name: value for name, value in meta.items() if value is not None and name != "relationship_id"}
    if given.get("name", body["name"]) != body["name"]:
        _check_name(call, given["name"])
    call.store.replace(call.account, RELATION, identifier, {**body, **given})
    return Answer(204)


def delete_relations(call: Call) -> Answer:
    """Undo relationships, unless a mapping still fills them."""
    found = [_found(call, item, f"/data/{index}") for index, item in enumerate(call.data)]
    mapping_id: str = call.require("object-schema", call.id)["_source_mapping"]
    filled = {item["relationship_id"] for item in call.require("source-mapping", mapping_id)["relationship_mappings"]}
    for identifier, body in found:
        if identifier in filled:
            raise conflict(f"The relationship '{body['name']}' is used by the source mapping {mapping_id}.")
    for identifier, _ in found:
        call.store.run("DELETE FROM link WHERE account = ? AND relation = ?", (call.account, link_name(identifier)))
        call.store.remove(call.account, RELATION, identifier)
    return Answer(204)


def link_name(relation: str) -> str:
    """What the links between records are called that a relationship holds together."""
    return f"{RELATION}:{relation}"


def _of_schema(call: Call, name: str) -> list[tuple[str, Row]]:
    """Relationships of the schema in the path, with the ids they are known by."""
    rows = call.store.find(call.account, RELATION, "schema_id", call.id)
    if name in _WITH_PROFILES:
        return [(PROFILE, row) for row in rows if row.body["_related"] == PROFILE]
    others = (row for row in rows if row.body["_related"] != PROFILE)
    return [(f"{row.body['_related']}:::{row.body['name']}", row) for row in others]


def _of_type(call: Call, body: Json, name: str) -> list[tuple[str, Row]]:
    """Relationships of a type's active schema, or else of its draft, with the ids they are known by."""
    schema = body["_current_schema"] or body["_draft_schema"]
    if schema is None:
        return []
    found: list[tuple[str, Row]] = []
    for row in call.store.find(call.account, RELATION, "schema_id", schema):
        related: str = row.body["_related"]
        if (related == PROFILE) == (name in _WITH_PROFILES):
            other = PROFILE if related == PROFILE else call.require("object-schema", related)["_object_type"]
            found.append((f"{other}:::{row.body['name']}", row))
    return found


def _shown(call: Call, name: str, kind: str, row: Row, compound: str) -> Json:
    meta: Json = {"relationship_id": row.id, "name": row.body["name"], "description": row.body["description"]}
    attributes: Json = {"meta": meta}
    chosen = call.query.fields.get(kind)
    if chosen is not None and "meta" not in chosen:
        named = {key: value for key, value in meta.items() if f"meta.{key}" in chosen}
        attributes = {"meta": named} if named else {}
    home = call.world.resources[call.operation.resource].home
    here = f"{call.base_url}{home}/{call.id}/relationships/{name}/"
    return {"type": kind, "id": compound, "attributes": attributes, "links": {"self": here}}


def _about_profiles(call: Call) -> bool:
    return call.operation.resource == "profile-object-schema"


def _require_profile(identifier: str, pointer: str) -> None:
    if identifier != PROFILE:
        raise invalid_body(pointer, "There is one profile schema, whose id is always 'profile'.")


def _check_name(call: Call, name: str) -> None:
    for row in call.store.find(call.account, RELATION, "schema_id", call.id):
        if row.body["name"] == name:
            raise conflict(f"Object schema {call.id} already has a relationship with the name '{name}'.")


def _found(call: Call, item: Any, pointer: str) -> tuple[str, Json]:
    """The relationship an item names by its own id and by that of what it relates to."""
    call.require("object-schema", call.id)
    if item.get("meta") is None:
        raise invalid_body(f"{pointer}/meta", "'meta' with the relationship_id of the relationship is required.")
    if _about_profiles(call):
        _require_profile(item["id"], f"{pointer}/id")
    identifier: str = item["meta"]["relationship_id"]
    body = schema_relations(call, call.id).get(identifier)
    if body is None or body["_related"] != item["id"].partition(":::")[0]:
        raise not_found(f"Object schema {call.id} has no relationship {identifier} with {item['id']}.")
    return identifier, body
