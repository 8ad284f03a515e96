"""Records of custom objects: what a data source sends becomes records of every active schema that maps it.

Ingestion happens as long after a request as a bulk job takes. A record that does not fit its schema is left out whole,
and says why in the ingestion log of its type, where entries stay for 14 days.
"""

import json
from typing import Any

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.json_paths import look_up
from klaviyo_sandbox.behaviour.object_relations import PROFILE, RELATION, link_name, schema_relations
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import parse_moment
from klaviyo_sandbox.errors import ApiError, Problem
from klaviyo_sandbox.filters import Where
from klaviyo_sandbox.identifiers import new_uuid
from klaviyo_sandbox.loose_json import Json, is_list
from klaviyo_sandbox.storage.store import Row

_LARGEST_RECORD = 512 * 1024
_LOG_MICROSECONDS = 14 * 86400 * 1_000_000
_PROFILE_COLUMNS = {
    "email": "email",
    "phone": "phone_number",
    "external-id": "external_id",
    "anonymous": "anonymous_id",
}


def accept_record(call: Call) -> Answer:
    """Take one record."""
    return _accept(call, [call.data["attributes"]["data-source-record"]["data"]])


def accept_records(call: Call) -> Answer:
    """Take up to 500 records."""
    return _accept(call, call.data["attributes"]["data-source-records"]["data"])


def accept_deletion(call: Call) -> Answer:
    """Take the ids of records to delete; unknown ones of a known type are passed over."""
    ids: list[str] = [item["id"] for item in call.data["relationships"]["object-records"]["data"]]
    for kind in dict.fromkeys(identifier.partition(":::")[0] for identifier in ids):
        call.require("object-type", kind)
    call.schedule("object-records.delete", {"records": ids}, call.world.job_seconds)
    return Answer(202)


def list_logs(call: Call) -> Answer:
    """What could not be ingested in the last 14 days, newest first."""
    return documents.many(call, _log_rows(call))


def list_log_ids(call: Call) -> Answer:
    """The ids of what `list_logs` lists."""
    return documents.identifiers(call, _log_rows(call))


def ingest(session: Session, payload: Json) -> None:
    """Make records of what a data source sent."""
    source: str = payload["source"]
    for kind in session.store.page(session.account, "object-type"):
        schema_id: str | None = kind.body["_current_schema"]
        if schema_id is None:
            continue
        schema = session.require("object-schema", schema_id)
        mapping = session.require("source-mapping", schema["_source_mapping"])
        properties: list[Json] = [
            item for item in mapping["property_mappings"] if item["type"] == "simple" and _reads(item, source)
        ]
        relations: list[Json] = [item for item in mapping["relationship_mappings"] if _reads(item, source)]
        constants: list[Json] = [item for item in mapping["property_mappings"] if item["type"] == "constant"]
        if not properties and not relations:
            continue
        for record in payload["records"]:
            identifier = _record_id(record, properties or relations)
            if identifier is None:
                path = (properties or relations)[0]["source"]["id_path"]
                _log(session, kind.id, None, [_problem("missing_id", "The record has no id.", path, None)])
                continue
            if properties:
                values = {item["id"]: look_up(item["source"]["data_path"], record) for item in properties}
                values |= {item["id"]: item["value"] for item in constants}
                if not _store(session, kind.id, identifier, schema, values):
                    continue
            for item in relations:
                _relate(session, kind.id, schema_id, record, item)


def delete(session: Session, payload: Json) -> None:
    """Remove records and what related them to others."""
    sql = "DELETE FROM link WHERE account = ? AND relation GLOB ? AND (source = ? OR target = ?)"
    for identifier in payload["records"]:
        session.store.run(sql, (session.account, f"{RELATION}:*", identifier, identifier))
        session.store.remove(session.account, "object-record", identifier)


def _accept(call: Call, items: list[Json]) -> Answer:
    source: str = call.data["relationships"]["data-source"]["data"]["id"]
    call.require("data-source", source)
    records = [item["attributes"]["record"] for item in items]
    for record in records:
        if len(json.dumps(record, ensure_ascii=False).encode()) > _LARGEST_RECORD:
            detail = f"A record is larger than the {_LARGEST_RECORD // 1024} KB allowed."
            raise ApiError(413, [Problem("payload_too_large", "Payload too large.", detail, {"pointer": "/data"})])
    call.schedule("object-records.ingest", {"source": source, "records": records}, call.world.job_seconds)
    return Answer(204)


def _log_rows(call: Call) -> list[Row]:
    parent = call.world.resources["object-type"]
    call.require("object-type", call.id)
    return call.store.page(
        call.account,
        "object-ingestion-log",
        through=(parent.relation("object-ingestion-logs"), call.id),
        filters=[*call.query.filters, Where("{column} > ?", (call.micros - _LOG_MICROSECONDS,), 'r."timestamp"')],
        sort=call.query.sort,
        cursor=call.query.cursor,
        limit=call.query.size + 1,
    )


def _reads(item: Json, source: str) -> bool:
    return item["source"]["source_id"] == source


def _record_id(record: Json, items: list[Json]) -> str | None:
    found = look_up(items[0]["source"]["id_path"], record)
    usable = isinstance(found, (str, int)) and not isinstance(found, bool) and found != ""
    return str(found) if usable else None


def _store(session: Session, kind: str, identifier: str, schema: Json, values: dict[int, Any]) -> bool:
    """Write a record's properties over those it has, and say whether they fit the schema. Null takes one away."""
    compound = f"{kind}:::{identifier}"
    existing = session.store.get(session.account, "object-record", compound)
    properties: Json = dict(existing["record_properties"]) if existing else {}
    problems: list[Json] = []
    for item in schema["properties"]:
        name, value = item["name"], values.get(item["id"])
        if item["id"] in values:
            properties.pop(name, None)
        if value is None:
            continue
        if not _fits(item["type"], value):
            problems.append(_problem("invalid_type", f"The value is not of the type {item['type']}.", name, value))
        properties[name] = value
    problems += [
        _problem("required", "A required property is missing.", name, None)
        for name in schema["required"]
        if name not in properties
    ]
    if problems:
        _log(session, kind, identifier, problems)
        return False
    body: Json = {"record_properties": properties, "_object_type": kind}
    if existing is None:
        session.store.insert(session.account, "object-record", compound, body)
    else:
        session.store.replace(session.account, "object-record", compound, body)
    return True


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "timestamp":
            return isinstance(value, str) and parse_moment(value) is not None
        case "list_str":
            return is_list(value) and all(isinstance(item, str) for item in value)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def _relate(session: Session, kind: str, schema: str, record: Json, item: Json) -> None:
    """Relate a record to the one, or the profile, that the data names."""
    source: Json = item["source"]
    identifier = _record_id(record, [item])
    relation = schema_relations(session, schema).get(item["relationship_id"])
    if relation is None:
        # What it led to was deleted.
        return
    if relation["_related"] == PROFILE:
        target = _profile(session, record, source["related_id_paths"])
    else:
        found = look_up(source["related_id_path"], record)
        related: str = session.require("object-schema", relation["_related"])["_object_type"]
        target = None if found is None else f"{related}:::{found}"
    owner, name = f"{kind}:::{identifier}", link_name(item["relationship_id"])
    if source["update_strategy"] == "replace_from_origin":
        sql = "DELETE FROM link WHERE account = ? AND relation = ? AND source = ?"
        session.store.run(sql, (session.account, name, owner))
    if target is not None:
        session.store.link(session.account, name, owner, [target], session.micros)


def _profile(session: Session, record: Json, paths: list[Json]) -> str | None:
    """The first profile that has one of the identifiers found in a record."""
    for item in paths:
        found = look_up(item["path"], record)
        if not isinstance(found, str):
            continue
        if item["identifier_type"] == "klaviyo-id":
            if session.store.get(session.account, "profile", found) is not None:
                return found
            continue
        value = found.lower() if item["identifier_type"] == "email" else found
        for row in session.store.find(session.account, "profile", _PROFILE_COLUMNS[item["identifier_type"]], value):
            return row.id
    return None


def _problem(code: str, message: str, name: str, value: Any) -> Json:
    shown = None if value is None else json.dumps(value, ensure_ascii=False)
    return {"code": code, "message": message, "property": name, "invalid_value": shown}


def _log(session: Session, kind: str, identifier: str | None, problems: list[Json]) -> None:
    count = len(problems)
    body: Json = {
        "status": "error",
        "event_type": "validation_error",
        "timestamp": session.second,
        "summary": f"The record was not ingested: {count} problem{'s' if count > 1 else ''} found.",
        "errors": problems,
        "_object_type": kind,
        "_object_record": None if identifier is None else f"{kind}:::{identifier}",
        "_record": identifier,
    }
    session.store.insert(session.account, "object-ingestion-log", new_uuid(session.store.next_digest()), body)
