"""Who is in a segment: definitions are evaluated some time after they change, and again as profiles change."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.conditions import matching
from klaviyo_sandbox.behaviour.counts import members_of
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError, Problem, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_MEMBERS = "segment.profiles"
_MOST_PROCESSING = 5
# Klaviyo keeps segments current by itself. Here they are brought up to date when they are read, at most this often.
_STALE_AFTER = 60 * 1_000_000

_count = members_of(_MEMBERS)


def create_segment(call: Call) -> Answer:
    """A new segment, whose members are found a little later."""
    _admit_processing(call)
    body = generic.stamped(call, call.world.resources["segment"], call.data["attributes"])
    identifier = call.new_id("segment")
    call.store.insert(call.account, "segment", identifier, body)
    _process(call, identifier)
    return documents.one(call, Row(identifier, body), 201)


def update_segment(call: Call) -> Answer:
    """Changes to a segment. A new definition has its members found anew."""
    body = call.require("segment", call.id)
    attributes = {name: value for name, value in call.data["attributes"].items() if value is not None}
    if attributes.get("is_active") is False and len(attributes) > 1:
        detail = "'is_active' must be the only attribute when a segment is deactivated."
        raise invalid_body("/data/attributes/is_active", detail)
    redefined = "definition" in attributes and attributes["definition"] != body["definition"]
    if redefined:
        _admit_processing(call)
        attributes["is_processing"] = True
    body = {**body, **attributes, "updated": call.stamp}
    call.store.replace(call.account, "segment", call.id, body)
    if redefined:
        _process(call, call.id)
    return documents.one(call, Row(call.id, body))


def evaluate(session: Session, payload: Json) -> None:
    """The end of processing: who fits the definition is in, and nobody else."""
    segment: str = payload["segment"]
    body = session.store.get(session.account, "segment", segment)
    if body is None:
        return
    _settle_members(session, segment, body)
    session.store.replace(session.account, "segment", segment, {**body, "is_processing": False})


def current(run: Callable[[Call], Answer], included: str = "") -> Callable[[Call], Answer]:
    """A handler that brings segments up to date before `run`; with `included`, only when that relation is asked for."""

    def handle(call: Call) -> Answer:
        if not included or included in call.query.include:
            refresh(call)
        return run(call)

    return handle


def count_members(session: Session, identifiers: Sequence[str]) -> Mapping[str, Any]:
    """The number of profiles in each segment."""
    refresh(session)
    return _count(session, identifiers)


def refresh(session: Session) -> None:
    """Evaluate every segment anew, unless that was done within the last minute."""
    name = f"segments:{session.account}"
    last = int(session.store.remembered(name) or 0)
    if last <= session.micros < last + _STALE_AFTER:
        return
    with session.store.writing():
        for row in session.store.page(session.account, "segment"):
            if not row.body["is_processing"] and row.body["definition"] is not None:
                _settle_members(session, row.id, row.body)
        session.store.remember(name, str(session.micros))


def _settle_members(session: Session, segment: str, body: Json) -> None:
    store, account = session.store, session.account
    groups: list[Json] = body["definition"]["condition_groups"]
    wanted = matching(session, groups)
    sql = "SELECT target FROM link WHERE account = ? AND relation = ? AND source = ?"
    present = {row[0] for row in store.rows(sql, (account, _MEMBERS, segment))}
    store.link(account, _MEMBERS, segment, sorted(wanted - present), session.micros)
    store.unlink(account, _MEMBERS, segment, present - wanted, session.micros)


def _admit_processing(session: Session) -> None:
    processing = session.store.find(session.account, "segment", "is_processing", 1)
    if len(processing) >= _MOST_PROCESSING:
        detail = f"No more than {_MOST_PROCESSING} segments can be processing at a time. Wait for one to finish."
        raise ApiError(400, [Problem("invalid", "Invalid input.", detail, {"pointer": "/data"})])


def _process(session: Session, segment: str) -> None:
    session.schedule("segment.evaluate", {"segment": segment}, session.world.job_seconds)
