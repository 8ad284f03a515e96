"""What every resource does alike: list, read, create, update, delete, and follow or change relations."""

from collections.abc import Sequence

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.declare import Resource
from klaviyo_sandbox.errors import conflict, not_found
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.schema import column_value
from klaviyo_sandbox.storage.store import Row


def list_resources(call: Call) -> Answer:
    """A page of a collection."""
    rows = call.store.page(
        call.account,
        call.operation.resource,
        filters=call.query.filters,
        sort=call.query.sort,
        cursor=call.query.cursor,
        limit=call.query.size + 1 if call.query.size else -1,
    )
    return documents.many(call, rows)


def get_resource(call: Call) -> Answer:
    """One resource by its id."""
    return documents.one(call, Row(call.id, call.require(call.operation.resource, call.id)))


def create_resource(call: Call) -> Answer:
    """Make a resource of the caller's attributes and the declared defaults."""
    kind = call.operation.resource
    body = stamped(call, call.world.resources[kind], call.data.get("attributes", {}))
    identifier = call.new_id(kind)
    call.store.insert(call.account, kind, identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def update_resource(call: Call) -> Answer:
    """Replace the attributes the caller names; the others stay."""
    kind = call.operation.resource
    resource = call.world.resources[kind]
    body = {**call.require(kind, call.id), **call.data["attributes"]}
    body[resource.stamps[1]] = call.stamp
    call.store.replace(call.account, kind, call.id, body)
    return documents.one(call, Row(call.id, body))


def delete_resource(call: Call) -> Answer:
    """Remove a resource with everything it owns."""
    call.require(call.operation.resource, call.id)
    call.store.remove(call.account, call.operation.resource, call.id)
    return Answer(204)


def list_related(call: Call) -> Answer:
    """A page of the resources another one is related to, in full."""
    return documents.many(call, _related_rows(call))


def list_related_ids(call: Call) -> Answer:
    """A page of the ids of the resources another one is related to."""
    return documents.identifiers(call, _related_rows(call))


def get_related(call: Call) -> Answer:
    """The one resource another one is related to, or null."""
    parent = call.world.resources[call.operation.parent]
    body = call.require(parent.type, call.id)
    relation = parent.relation(call.operation.relation)
    identifier = column_value(parent.columns[relation.column], body)
    if identifier is None:
        return documents.none()
    return documents.one(call, Row(str(identifier), call.require(relation.type, str(identifier))))


def get_related_id(call: Call) -> Answer:
    """The id of the one resource another one is related to, or null."""
    parent = call.world.resources[call.operation.parent]
    body = call.require(parent.type, call.id)
    identifier = column_value(parent.columns[parent.relation(call.operation.relation).column], body)
    return documents.none() if identifier is None else documents.identifier(call, str(identifier))


def add_related(call: Call) -> Answer:
    """Relate a resource to the ones the body lists. All must exist, or nothing happens."""
    _relate(call, _listed_ids(call))
    return Answer(204)


def add_unrelated(call: Call) -> Answer:
    """Like `add_related`, where relating what is related already is a conflict (409)."""
    ids = _listed_ids(call)
    relation = call.world.resources[call.operation.parent].relation(call.operation.relation)
    related = set(call.store.related_ids(call.account, relation, [call.id])[call.id])
    if again := [identifier for identifier in ids if identifier in related]:
        raise conflict(f"{relation.type} {again[0]} is already related to {call.operation.parent} {call.id}.")
    _relate(call, ids)
    return Answer(204)


def replace_related(call: Call) -> Answer:
    """Relate a resource to exactly the ones the body lists."""
    ids = _listed_ids(call)
    relation = call.world.resources[call.operation.parent].relation(call.operation.relation)
    related = call.store.related_ids(call.account, relation, [call.id])[call.id]
    _unrelate(call, [identifier for identifier in related if identifier not in ids])
    _relate(call, ids)
    return Answer(204)


def remove_related(call: Call) -> Answer:
    """Undo `add_related` for the resources the body lists; ones that were not related stay so."""
    _unrelate(call, _listed_ids(call))
    return Answer(204)


def stamped(call: Call, resource: Resource, attributes: Json) -> Json:
    """The body of a new resource: the caller's attributes over the defaults, with the time of its making."""
    given = {name: value for name, value in attributes.items() if value is not None or name not in resource.defaults}
    stamps = {name: call.stamp for name in resource.stamps if name}
    return {**resource.defaults, **given, **stamps}


def _relate(call: Call, ids: Sequence[str]) -> None:
    relation = call.world.resources[call.operation.parent].relation(call.operation.relation)
    for source, targets in [(there, [call.id]) for there in ids] if relation.inverse else [(call.id, ids)]:
        call.store.link(call.account, relation.link, source, targets, call.micros)


def _unrelate(call: Call, ids: Sequence[str]) -> None:
    relation = call.world.resources[call.operation.parent].relation(call.operation.relation)
    for source, targets in [(there, [call.id]) for there in ids] if relation.inverse else [(call.id, ids)]:
        call.store.unlink(call.account, relation.link, source, targets)


def _related_rows(call: Call) -> list[Row]:
    parent = call.world.resources[call.operation.parent]
    call.require(parent.type, call.id)
    relation = parent.relation(call.operation.relation)
    rows = call.store.page(
        call.account,
        relation.type,
        through=(relation, call.id),
        filters=call.query.filters,
        sort=call.query.sort,
        cursor=call.query.cursor,
        limit=call.query.size + 1 if call.query.size else -1,
    )
    if relation.joined:
        for row in rows:
            row.body[relation.joined] = call.moment(row.joined)
    return rows


def _listed_ids(call: Call) -> list[str]:
    """The distinct ids of the body, once the resource and all of them are known to exist."""
    call.require(call.operation.parent, call.id)
    ids = list(dict.fromkeys(item["id"] for item in call.data))
    known = {row.id for row in call.store.get_many(call.account, call.operation.resource, ids)} if ids else set[str]()
    unknown = [identifier for identifier in ids if identifier not in known]
    if len(unknown) == 1:
        raise call.missing(call.operation.resource, unknown[0])
    if unknown:
        named = call.operation.resource.replace("-", " ").capitalize()
        raise not_found(f"{named} with ids {', '.join(unknown[:10])} not found.")
    return ids
