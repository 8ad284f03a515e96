"""Custom objects: data sources, object types, the versions of their schemas, and the mappings that fill them.

A type has at most one active and one draft schema. Activating a draft takes as long as a bulk job; until then it is
"publishing". What Klaviyo calls the version it replaces is not known; here its status becomes "undefined".
"""

import re
from collections.abc import Sequence

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.json_paths import is_json_path
from klaviyo_sandbox.behaviour.object_relations import schema_relations
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

NAMESPACE = "custom-objects"
_NAMESPACES = re.compile(r"custom-objects|applications/[0-7][0-9A-HJKMNP-TV-Z]{25}")
_UNFINISHED = ("draft", "publishing")


def create_data_source(call: Call) -> Answer:
    """A source of records, with a title that no other one in its namespace has."""
    _check_name(call, "data-source", call.data["attributes"])
    return generic.create_resource(call)


def delete_data_source(call: Call) -> Answer:
    """Remove a source that no mapping reads from."""
    call.require("data-source", call.id)
    for row in call.store.page(call.account, "source-mapping"):
        if any(source == call.id for source, _ in _sources(row.body)):
            raise conflict(f"Data source {call.id} is used by the source mapping {row.id}.")
    return generic.delete_resource(call)


def create_object_type(call: Call) -> Answer:
    """A type and, if the body describes one, its first schema."""
    attributes: Json = call.data["attributes"]
    _check_name(call, "object-type", attributes)
    nested: Json | None = attributes.get("object-schema")
    own = {name: attributes[name] for name in ("title", "description", "namespace") if name in attributes}
    body = generic.stamped(call, call.world.resources["object-type"], own)
    body |= {"status": "undefined", "_visibility": attributes.get("visibility") or "private"}
    body |= {"_current_schema": None, "_draft_schema": None}
    identifier = call.new_id("object-type")
    call.store.insert(call.account, "object-type", identifier, body)
    if nested is not None:
        described: Json = nested["data"]["attributes"]
        pointer = "/data/attributes/object-schema/data/attributes"
        _add_schema(
            call, identifier, {"title": body["title"], "description": body["description"], **described}, pointer
        )
    return documents.one(call, Row(identifier, call.require("object-type", identifier)), 201)


def delete_object_type(call: Call) -> Answer:
    """Remove a type with its schemas, records and logs."""
    call.require("object-type", call.id)
    sql = "DELETE FROM link WHERE account = ? AND relation GLOB 'object-relationship:*' AND source GLOB ? || ':::*'"
    call.store.run(sql, (call.account, call.id))
    return generic.delete_resource(call)


def create_object_schema(call: Call) -> Answer:
    """The next version of a type's schema: a draft, or one that is activated."""
    kind: str = call.data["relationships"]["object-type"]["data"]["id"]
    body = call.require("object-type", kind)
    if body["_draft_schema"] is not None:
        raise conflict(f"Object type {kind} already has the draft schema {body['_draft_schema']}.")
    identifier = _add_schema(call, kind, call.data["attributes"], "/data/attributes")
    return documents.one(call, Row(identifier, call.require("object-schema", identifier)), 201)


def update_object_schema(call: Call) -> Answer:
    """Change a draft, or activate it. Of other versions only the title and description can be changed."""
    body = call.require("object-schema", call.id)
    given = {name: value for name, value in call.data["attributes"].items() if value is not None}
    if "properties" in given:
        given["properties"] = _described(given["properties"])
    fixed = sorted(name for name in ("properties", "required", "status") if given.get(name, body[name]) != body[name])
    if fixed and body["status"] != "draft":
        detail = f"Object schema {call.id} is {body['status']}, so its {fixed[0]} cannot be changed. Create a draft."
        raise conflict(detail)
    status = given.pop("status", None)
    body |= given
    _check_properties(body, "/data/attributes")
    _check_mapped(call, body)
    call.store.replace(call.account, "object-schema", call.id, body)
    if status == "active" and body["status"] == "draft":
        _activate(call, call.id, body)
    _refresh(call, body["_object_type"])
    return documents.one(call, Row(call.id, call.require("object-schema", call.id)))


def update_mapping(call: Call) -> Answer:
    """Replace the mappings of properties, of relationships, or both."""
    body = call.require("source-mapping", call.id)
    given = {name: value for name, value in call.data["attributes"].items() if value is not None}
    schema = call.require("object-schema", body["_schema"])
    _check_mapping(call, given, schema, schema_relations(call, body["_schema"]), "/data/attributes")
    body |= _complete(given)
    call.store.replace(call.account, "source-mapping", call.id, body)
    return documents.one(call, Row(call.id, body))


def finish_activation(session: Session, payload: Json) -> None:
    """A schema that was publishing takes the place of the one before."""
    identifier: str = payload["schema"]
    schema = session.store.get(session.account, "object-schema", identifier)
    if schema is None:
        return
    kind: str = schema["_object_type"]
    body = session.require("object-type", kind)
    former = body["_current_schema"]
    if former is not None:
        replaced = session.require("object-schema", former)
        session.store.replace(session.account, "object-schema", former, {**replaced, "status": "undefined"})
    schema |= {"status": "active", "published_at": session.stamp}
    session.store.replace(session.account, "object-schema", identifier, schema)
    body |= {"_current_schema": identifier, "_draft_schema": None}
    session.store.replace(session.account, "object-type", kind, body)
    _refresh(session, kind)


def _add_schema(call: Call, kind: str, attributes: Json, pointer: str) -> str:
    """A new version of a type's schema, with its mapping."""
    parent = call.require("object-type", kind)
    nested = attributes.get("source-mapping")
    mapping: Json = nested["data"]["attributes"] if nested else {}
    identifier, mapping_id = call.new_id("object-schema"), call.new_id("source-mapping")
    body: Json = {
        "title": attributes["title"],
        "description": attributes.get("description") or "",
        "status": "draft",
        "properties": _described(attributes.get("properties") or []),
        "required": attributes.get("required") or [],
        "published_at": None,
        "visibility": parent["_visibility"],
        "_object_type": kind,
        "_source_mapping": mapping_id,
    }
    _check_properties(body, pointer)
    _check_mapping(call, mapping, body, {}, f"{pointer}/source-mapping/data/attributes")
    call.store.insert(call.account, "object-schema", identifier, body)
    empty: Json = {"property_mappings": [], "relationship_mappings": [], "_schema": identifier}
    call.store.insert(call.account, "source-mapping", mapping_id, {**empty, **_complete(mapping)})
    call.store.replace(call.account, "object-type", kind, {**parent, "_draft_schema": identifier})
    if attributes.get("status") == "active":
        _activate(call, identifier, body)
    _refresh(call, kind)
    return identifier


def _activate(call: Call, identifier: str, body: Json) -> None:
    call.store.replace(call.account, "object-schema", identifier, {**body, "status": "publishing"})
    call.schedule("object-schema.activate", {"schema": identifier}, call.world.job_seconds)


def _refresh(session: Session, kind: str) -> None:
    """A type has the title, description and status of its active schema or else of its draft."""
    body = session.require("object-type", kind)
    schema = session.require("object-schema", body["_current_schema"] or body["_draft_schema"])
    shared = {name: schema[name] for name in ("title", "description", "status")}
    session.store.replace(session.account, "object-type", kind, {**body, **shared, "updated_at": session.stamp})


def _check_name(call: Call, kind: str, attributes: Json) -> None:
    given: str | None = attributes.get("namespace")
    namespace = NAMESPACE if given is None else given
    if not _NAMESPACES.fullmatch(namespace):
        detail = f"'{namespace}' is not a namespace. Use custom-objects or applications/<application id>."
        raise invalid_body("/data/attributes/namespace", detail)
    for row in call.store.find(call.account, kind, "title", attributes["title"]):
        if row.body["namespace"] == namespace:
            raise conflict(f"The {kind.replace('-', ' ')} {row.id} in this namespace already has this title.")


def _check_properties(schema: Json, pointer: str) -> None:
    """Properties have positive ids; ids and names are unique, and what is required exists."""
    properties: list[Json] = schema["properties"]
    for name in ("id", "name"):
        values = [item[name] for item in properties]
        for index, value in enumerate(values):
            if value in values[:index]:
                raise invalid_body(f"{pointer}/properties/{index}/{name}", f"Two properties have the {name} '{value}'.")
    for index, item in enumerate(properties):
        if item["id"] <= 0:
            raise invalid_body(f"{pointer}/properties/{index}/id", "The id of a property must be positive.")
    names = {item["name"] for item in properties}
    for index, name in enumerate(schema["required"]):
        if name not in names:
            raise invalid_body(f"{pointer}/required/{index}", f"'{name}' is not a property of this schema.")


def _check_mapped(call: Call, schema: Json) -> None:
    """A property that is mapped cannot be taken out of its schema."""
    mapping = call.require("source-mapping", schema["_source_mapping"])
    kept = {item["id"] for item in schema["properties"]}
    for item in mapping["property_mappings"]:
        if item["id"] not in kept:
            detail = f"Property {item['id']} is used by the source mapping {schema['_source_mapping']}."
            raise invalid_body("/data/attributes/properties", detail)


def _check_mapping(call: Call, mapping: Json, schema: Json, relations: dict[str, Json], pointer: str) -> None:
    """A mapping names properties and relationships of its schema, sources that exist, and paths that can be read."""
    properties = {item["id"] for item in schema["properties"]}
    for index, item in enumerate(mapping.get("property_mappings") or []):
        if item["id"] not in properties:
            place = f"{pointer}/property_mappings/{index}/id"
            raise invalid_body(place, f"The schema has no property with id {item['id']}.")
    for index, item in enumerate(mapping.get("relationship_mappings") or []):
        relation = relations.get(item["relationship_id"])
        place = f"{pointer}/relationship_mappings/{index}"
        if relation is None:
            detail = f"The schema has no relationship with id {item['relationship_id']}."
            raise invalid_body(f"{place}/relationship_id", detail)
        expected = "profile" if relation["_related"] == "profile" else "custom-object"
        if item["source"]["type"] != expected:
            raise invalid_body(f"{place}/source/type", f"This relationship needs a source of the type '{expected}'.")
    for source, paths in _sources(mapping):
        if call.store.get(call.account, "data-source", source) is None:
            raise invalid_body(pointer, f"There is no data source with id {source}.")
        for path in paths:
            if not is_json_path(path):
                raise invalid_body(pointer, f"'{path}' is not a JSONPath such as $.order.id or $.lines[0].sku.")


def _sources(mapping: Json) -> list[tuple[str, list[str]]]:
    """The data sources a mapping reads, and the paths it reads there."""
    entries: list[Json] = [*(mapping.get("property_mappings") or []), *(mapping.get("relationship_mappings") or [])]
    found: list[tuple[str, list[str]]] = []
    for source in (entry["source"] for entry in entries if entry["type"] == "simple"):
        paths = [source[name] for name in ("id_path", "data_path", "related_id_path") if name in source]
        found.append((source["source_id"], paths + [item["path"] for item in source.get("related_id_paths", ())]))
    return found


def _complete(mapping: Json) -> Json:
    """A mapping with the defaults of what it leaves out."""
    complete = {name: value for name, value in mapping.items() if value is not None}
    if "relationship_mappings" in complete:
        complete["relationship_mappings"] = [
            {**item, "source": {**item["source"], "update_strategy": _strategy(item["source"])}}
            for item in complete["relationship_mappings"]
        ]
    return complete


def _strategy(source: Json) -> str:
    return source.get("update_strategy") or "replace_from_origin"


def _described(properties: Sequence[Json]) -> list[Json]:
    return [{**item, "description": item.get("description") or ""} for item in properties]
