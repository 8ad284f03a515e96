"""From stored rows to JSON:API documents: attributes, relationships, included resources and links."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.cursors import Cursor, write_cursor
from klaviyo_sandbox.declare import Relation, Resource
from klaviyo_sandbox.loose_json import Json, is_object
from klaviyo_sandbox.storage.schema import column_value
from klaviyo_sandbox.storage.store import Row


def one(call: Call, row: Row, status: int = 200, *, fresh: Sequence[Row] = ()) -> Answer:
    """An answer with a single resource. What is included of `fresh` rows is shown as it was just written."""
    resource = call.world.resources[call.operation.resource]
    document: Json = {"data": _objects(call, resource, [row], primary=True)[0], "links": {"self": self_link(call)}}
    return Answer(status, _with_included(call, resource, [row], document, fresh))


def none() -> Answer:
    """An answer for a to-one relation that points at nothing: as in the recordings, without links."""
    return Answer(200, {"data": None})


def many(call: Call, rows: Sequence[Row]) -> Answer:
    """An answer with a page of resources. `rows` holds one more than the page size when there is more to read."""
    resource = call.world.resources[call.operation.resource]
    shown, links = _paged(call, rows)
    document: Json = {"data": _objects(call, resource, shown, primary=True), "links": links}
    return Answer(200, _with_included(call, resource, shown, document))


def identifiers(call: Call, rows: Sequence[Row]) -> Answer:
    """An answer with a page of resource identifiers, without attributes."""
    shown, links = _paged(call, rows)
    kind = call.world.resources[call.operation.resource].type
    return Answer(200, {"data": [{"type": kind, "id": row.id} for row in shown], "links": links})


def identifier(call: Call, identifier: str) -> Answer:
    """An answer with the identifier of a single resource."""
    data = {"type": call.world.resources[call.operation.resource].type, "id": identifier}
    return Answer(200, {"data": data, "links": {"self": self_link(call)}})


def self_link(call: Call, **changes: str) -> str:
    """The request's own address, percent-encoded, with some parameters changed."""
    pairs = dict(parse_qsl(call.query_string, keep_blank_values=True))
    pairs.update({name.replace("page_", "page[") + "]": value for name, value in changes.items()})
    query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
    return f"{call.base_url}{call.path}{query}"


def _paged(call: Call, rows: Sequence[Row]) -> tuple[list[Row], Json]:
    """The rows of this page in reading order, and the links to its neighbours."""
    size, cursor, sort = call.query.size, call.query.cursor, call.query.sort
    backward = cursor is not None and not cursor.forward
    more = bool(size) and len(rows) > size
    shown = list(rows[:size] if size else rows)
    if backward:
        shown.reverse()
    operation = call.operation
    resource = call.world.resources[operation.resource]
    links: Json = {"self": self_link(call)}
    if operation.names_neighbours:
        links |= {"next": None, "prev": None}
    if shown and (more or backward):
        last = shown[-1]
        onward = Cursor(last.sort_value, last.id, True)
        links["next"] = self_link(call, page_cursor=write_cursor(onward, sort, resource))
    if shown and cursor is not None and (more or not backward):
        first = shown[0]
        back = Cursor(first.sort_value, first.id, False)
        links["prev"] = self_link(call, page_cursor=write_cursor(back, sort, resource))
    elif any(where.listed and where.field == operation.stray_prev for where in call.query.filters):
        links["prev"] = self_link(call, page_cursor=f"<Filters: {call.query.filter}>")
    return shown, links


def _with_included(
    call: Call, resource: Resource, rows: Sequence[Row], document: Json, fresh: Sequence[Row] = ()
) -> Json:
    if not call.query.include:
        return document
    included: list[Json] = []
    for name in call.query.include:
        relation = resource.relation(name)
        ids = [identifier for related in _related(call, resource, relation, rows).values() for identifier in related]
        found = call.store.get_many(call.account, relation.type, ids) if ids else []
        found = [next((new for new in fresh if new.id == row.id), row) for row in found]
        included += _objects(call, call.world.resources[relation.type], found)
    document["included"] = included
    return document


def _objects(call: Call, resource: Resource, rows: Sequence[Row], *, primary: bool = False) -> list[Json]:
    """Resource objects for rows of one type. Only the primary data shows additional fields and relationship data."""
    chosen = call.query.fields.get(resource.type)
    asked = call.query.additional.get(resource.type, frozenset[str]()) if primary else frozenset[str]()
    extra = call.operation.extra if primary else ()
    tops = {name.split(".", 1)[0] for name in chosen} if chosen is not None else set[str]()
    shown = [
        name
        for name in dict.fromkeys((*resource.attributes.fields, *extra))
        if name in asked or name in tops or (chosen is None and (name in extra or name not in resource.on_request))
    ]
    ids = [row.id for row in rows]
    computed = {name: resource.computed[name](call, ids) for name in shown if name in resource.computed}
    relationships = _relationships(call, resource, rows, primary)
    objects: list[Json] = []
    for row in rows:
        attributes = {
            name: computed[name].get(row.id) if name in computed else row.body.get(resource.kept_as.get(name, name))
            for name in shown
        }
        if chosen is not None:
            attributes = _pick(attributes, chosen | asked)
        item: Json = {"type": resource.type, "id": row.id, "attributes": attributes}
        if relationships:
            item["relationships"] = relationships[row.id]
        item["links"] = {"self": f"{call.base_url}{resource.home}/{quote(row.id)}/"}
        objects.append(item)
    return objects


def _relationships(call: Call, resource: Resource, rows: Sequence[Row], primary: bool) -> dict[str, Json]:
    """The relationships of each row. Sparse fieldsets thin attributes alone, so they have no say here."""
    if primary and call.operation.relationships == "none":
        return {}
    written: dict[str, Json] = {row.id: {} for row in rows}
    relations = _shown_relations(call, resource, primary)
    for relation in relations:
        related: Mapping[str, Sequence[str]] | None = None
        asked = primary and relation.name in call.query.include
        if asked or _shows_data(call, relation, primary):
            related = _related(call, resource, relation, rows)
        for row in rows:
            ids = None if related is None else related[row.id]
            form = relation.unrelated if ids is not None and not ids else "data"
            if form == "links" and not asked:
                ids = None
            if form != "nothing":
                home = f"{call.base_url}{resource.home}/{quote(row.id)}"
                kind = call.world.resources[relation.type].type
                written[row.id][relation.name] = _relationship(relation, kind, ids, home)
    return written if relations else {}


def _shown_relations(call: Call, resource: Resource, primary: bool) -> list[Relation]:
    """The relations that documents of this call show of a resource."""
    possible = call.operation.include if primary else ()
    return [
        resource.relation(relation.otherwise) if relation.otherwise and relation.name not in possible else relation
        for relation in resource.relations
        if not relation.hidden
    ]


def _shows_data(call: Call, relation: Relation, primary: bool) -> bool:
    """Whether the ids that a relation points at are shown unasked."""
    if primary and call.operation.relationships == "links":
        return False
    return relation.data is True or (relation.data == "own" and primary and not call.operation.parent)


def _relationship(relation: Relation, kind: str, ids: Sequence[str] | None, home: str) -> Json:
    """A relationship of the resource at `home` to such of a `kind`: its data unless `ids` is None, and its links."""
    entry: Json = {}
    if ids is not None:
        linkage = [{"type": kind, "id": identifier} for identifier in ids]
        entry["data"] = linkage if relation.many else (linkage[0] if linkage else None)
    links = {"self": f"{home}/relationships/{relation.name}/", "related": f"{home}/{relation.name}/"}
    if relation.links == "related":
        del links["self"]
    if relation.links != "none":
        entry["links"] = links
    return entry


def _related(call: Call, resource: Resource, relation: Relation, rows: Sequence[Row]) -> Mapping[str, Sequence[str]]:
    """The ids a relation points at, for each row."""
    if relation.many:
        return call.store.related_ids(call.account, relation, [row.id for row in rows])
    column = resource.columns[relation.column]
    values = {row.id: column_value(column, row.body) for row in rows}
    return {identifier: [str(value)] if value is not None else [] for identifier, value in values.items()}


def _pick(attributes: Json, names: frozenset[str]) -> Json:
    """Only what the dotted `names` say. Naming an object keeps all of it."""
    picked: Json = {}
    for top, value in attributes.items():
        deeper = frozenset(name.partition(".")[2] for name in names if name.split(".", 1)[0] == top)
        picked[top] = _pick_inside(value, deeper) if is_object(value) and "" not in deeper else value
    return picked


def _pick_inside(value: Json, names: frozenset[str]) -> Any:
    tops = {name.split(".", 1)[0] for name in names}
    return _pick({key: inner for key, inner in value.items() if key in tops}, names)
