"""Two profiles become one, and profiles disappear with everything that is known about them."""

from typing import Any

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.profiles import OTHER_ADDRESSES
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.declare import Relation, Resource
from klaviyo_sandbox.errors import invalid_body, invalid_parameter
from klaviyo_sandbox.loose_json import Json

_POINTER = "/data/relationships/profiles/data/0/id"


def merge(call: Call) -> Answer:
    """Queue the merging of one profile into another. Until it is done, both can be read."""
    destination: str = call.data["id"]
    source: str = call.data["relationships"]["profiles"]["data"][0]["id"]
    for name in sorted(call.query.fields.get("profile", frozenset[str]()) - {"id"}):
        raise invalid_parameter("fields[profile]", f"'{name}' is not a valid field for the resource 'profile'.")
    if source == destination:
        raise invalid_body(_POINTER, "A profile cannot be merged into itself.")
    call.require("profile", destination)
    call.require("profile", source)
    call.schedule("profile.merge", {"source": source, "destination": destination}, call.world.job_seconds)
    links = {"self": f"{call.base_url}/api/profiles/{destination}/"}
    data = {"type": "profile", "id": destination, "attributes": {}, "links": links}
    return Answer(202, {"data": data, "links": {"self": documents.self_link(call)}})


def perform(session: Session, payload: Json) -> None:
    """Give the destination what it lacks of the source, and everything that belonged to it."""
    source, destination = payload["source"], payload["destination"]
    lost = session.store.get(session.account, "profile", source)
    kept = session.store.get(session.account, "profile", destination)
    if lost is None or kept is None:
        return
    _hand_over(session, source, destination)
    erase(session, source)
    body = _merged(kept, lost)
    body["updated"] = session.stamp
    session.store.replace(session.account, "profile", destination, body)
    if lost.get("email") is not None and lost["email"] != body["email"]:
        session.store.link(session.account, OTHER_ADDRESSES, destination, [lost["email"]], session.micros)


def erase(session: Session, profile: str) -> None:
    """Remove a profile, and every trace of it."""
    for resource, relation in _belongings(session):
        for row in session.store.find(session.account, resource.type, relation.column, profile):
            session.store.remove(session.account, resource.type, row.id)
    for sql in _FORGET:
        session.store.run(sql, (session.account, profile))
    session.store.remove(session.account, "profile", profile)


_FORGET = (
    "DELETE FROM consent WHERE account = ? AND profile = ?",
    "DELETE FROM suppression WHERE account = ? AND profile = ?",
    "DELETE FROM link WHERE account = ? AND source = ?",
    "DELETE FROM link WHERE account = ? AND target = ?",
)
_HAND_OVER = (
    "UPDATE OR IGNORE consent SET profile = ? WHERE account = ? AND profile = ?",
    "UPDATE OR IGNORE suppression SET profile = ? WHERE account = ? AND profile = ?",
    "UPDATE OR IGNORE link SET source = ? WHERE account = ? AND source = ?",
    "UPDATE OR IGNORE link SET target = ? WHERE account = ? AND target = ?",
)


def _hand_over(session: Session, source: str, destination: str) -> None:
    """Whatever points at the source points at the destination, unless the destination has the same already."""
    for resource, relation in _belongings(session):
        session.store.reassign(session.account, resource.type, relation.column, source, destination)
    for sql in _HAND_OVER:
        session.store.run(sql, (destination, session.account, source))


def _belongings(session: Session) -> list[tuple[Resource, Relation]]:
    """The kinds of resource that belong to one profile each, and the relation that says whose they are."""
    return [
        (resource, relation)
        for resource in session.world.resources.values()
        for relation in resource.relations
        if resource.stored and relation.type == "profile" and relation.column
    ]


def _merged(kept: Json, lost: Json) -> Json:
    """What the destination says, completed by the source."""
    body: Json = {**lost, **{name: value for name, value in kept.items() if value is not None}}
    for name in ("location", "properties"):
        body[name] = _completed(kept[name], lost[name])
    moments: list[Any] = [moment for moment in (kept["last_event_date"], lost["last_event_date"]) if moment]
    body["last_event_date"] = max(moments, default=None)
    body["created"] = min(kept["created"], lost["created"])
    return body


def _completed(kept: Json, lost: Json) -> Json:
    return {**lost, **{name: value for name, value in kept.items() if value is not None or name not in lost}}
