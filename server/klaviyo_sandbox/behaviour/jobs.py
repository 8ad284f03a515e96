"""Bulk jobs: accepted at once, carried out item by item a moment later, kept for seven days.

A domain declares a job in three places and needs nothing else from here:

    RESOURCES = (jobs.resource("coupon-code-bulk-create-job", Relation("coupon-codes", "coupon-code", link=…)), …)
    Operation("bulk_create_coupon_codes", …, jobs.create("coupon-codes", most=100), …)     # answers 202
    WORK = {**jobs.work("coupon-code-bulk-create-job", create_code), …}

`create_code(session, item)` carries out one item, as it stood in `attributes["coupon-codes"]["data"]`, at the moment
the job ends. It returns the id of what it wrote (linked to the job through the resource's relation), or None. When it
raises ApiError, what it wrote is undone, the item counts as failed and the error is kept; when it raises Skip, the item
counts as skipped. The jobs are read with `engine.get_resource` and `engine.list_resources` (default
sort "-created_at"). A handler of its own that knows its items another way calls `start`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any, Literal

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import exact
from klaviyo_sandbox.declare import Column, Relation, Resource
from klaviyo_sandbox.errors import ApiError
from klaviyo_sandbox.identifiers import IdForm, new_uuid
from klaviyo_sandbox.limits import throttled
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.shapes import Document, Items, Number, Record, Shape, Text
from klaviyo_sandbox.storage.store import Row

STATUSES = ("cancelled", "complete", "processing", "queued")
KEPT_SECONDS = 7 * 86400

_MOMENT = Text(form="moment", nullable=True)
_COUNT = Number(whole=True)
ATTRIBUTES: Mapping[str, Shape] = {
    "status": Text(choices=STATUSES),
    "created_at": _MOMENT,
    "total_count": _COUNT,
    "completed_count": _COUNT,
    "failed_count": _COUNT,
    "completed_at": _MOMENT,
    "errors": Items(Document()),
    "expires_at": _MOMENT,
}

Perform = Callable[[Session, Any], str | None]
Failed = Callable[[Session, str, Any, Json], None]


class Skip(Exception):
    """Raised for an item that needs nothing done."""


def resource(
    kind: str,
    *relations: Relation,
    ids: IdForm = "ulid",
    first: Literal["processing", "queued"] = "processing",
    attributes: Mapping[str, Shape] = ATTRIBUTES,
    columns: Mapping[str, Column] | None = None,
    owns: tuple[tuple[str, str], ...] = (),
) -> Resource:
    """A job resource. The first relation is the one to what the job wrote; the others are the domain's own.

    first: the status that starting one is answered with
    """
    return Resource(
        kind,
        Record(attributes),
        ids=ids,
        relations=relations,
        defaults={"status": first},
        stamps=("created_at", ""),
        precision="microsecond",
        columns={
            "status": Column("status", nullable=False),
            "created_at": Column("created_at", "moment", nullable=False),
            **(columns or {}),
        },
        indexes=(("created_at", "id"), ("status", "id")),
        owns=owns,
    )


def create(
    key: str, *, most: int | None = None, check: Callable[[Call], None] | None = None
) -> Callable[[Call], Answer]:
    """A handler that starts a job on the items under `key`, after `check` (which raises ApiError) finds no fault."""

    def handle(call: Call) -> Answer:
        if check is not None:
            check(call)
        items: list[Any] = call.data["attributes"][key]["data"]
        return documents.one(call, start(call, items, pointer=f"/data/attributes/{key}/data", most=most), 202)

    return handle


def start(
    call: Call,
    items: Sequence[Any],
    *,
    pointer: str = "/data",
    most: int | None = None,
    extra: Json | None = None,
) -> Row:
    """Start a job of the operation's resource. Raises ApiError (429) when `most` such jobs are unfinished already.

    pointer: where in the request the items are, for the errors
    extra: further attributes of the job
    """
    kind = call.operation.resource
    seconds = call.world.job_seconds
    if most is not None and _unfinished(call, kind) >= most:
        raise throttled(max(1, ceil(seconds)))
    identifier = call.new_id(kind)
    body: Json = {
        **call.world.resources[kind].defaults,
        "created_at": call.stamp,
        "started_at": None,
        "total_count": len(items),
        "completed_count": 0,
        "failed_count": 0,
        "skipped_count": 0,
        "completed_at": None,
        "errors": [],
        "expires_at": exact(call.now + timedelta(seconds=KEPT_SECONDS)),
        **(extra or {}),
    }
    call.store.insert(call.account, kind, identifier, body)
    if body["status"] == "queued":
        call.schedule(f"{kind}.start", {"job": identifier}, seconds / 4)
    call.schedule(f"{kind}.finish", {"job": identifier, "items": list(items), "pointer": pointer}, seconds)
    call.schedule(f"{kind}.expire", {"job": identifier}, KEPT_SECONDS)
    return Row(identifier, body)


def work(kind: str, perform: Perform, failed: Failed | None = None) -> Mapping[str, Callable[[Session, Json], None]]:
    """The delayed work of a kind of job. `failed` is told of each error: (session, job id, item, error)."""

    def begin(session: Session, payload: Json) -> None:
        _update(session, kind, payload["job"], {"status": "processing", "started_at": session.stamp})

    def finish(session: Session, payload: Json) -> None:
        _finish(session, kind, payload, perform, failed)

    def expire(session: Session, payload: Json) -> None:
        session.store.remove(session.account, kind, payload["job"])

    return {f"{kind}.start": begin, f"{kind}.finish": finish, f"{kind}.expire": expire}


def _unfinished(session: Session, kind: str) -> int:
    return sum(len(session.store.find(session.account, kind, "status", status)) for status in STATUSES[2:])


def _finish(session: Session, kind: str, payload: Json, perform: Perform, failed: Failed | None) -> None:
    job: str = payload["job"]
    relations = session.world.resources[kind].relations
    written: list[str] = []
    errors: list[Json] = []
    counts = {"completed_count": 0, "failed_count": 0, "skipped_count": 0}
    for index, item in enumerate(payload["items"]):
        session.store.run("SAVEPOINT item")
        try:
            identifier = perform(session, item)
        except Skip:
            session.store.run("ROLLBACK TO item")
            counts["skipped_count"] += 1
        except ApiError as error:
            session.store.run("ROLLBACK TO item")
            counts["failed_count"] += 1
            for entry in _entries(session, error, f"{payload['pointer']}/{index}"):
                errors.append(entry)
                if failed is not None:
                    failed(session, job, item, entry)
        else:
            counts["completed_count"] += 1
            written += [identifier] if identifier is not None else []
        session.store.run("RELEASE item")
    if written and relations and relations[0].link:
        session.store.link(session.account, relations[0].link, job, written, session.micros)
    done = {"status": "complete", "completed_at": session.stamp, "errors": errors, **counts}
    _update(session, kind, job, done)


def _entries(session: Session, error: ApiError, pointer: str) -> list[Json]:
    """What went wrong with the item at `pointer`, as the job shows it."""
    return [
        {
            "id": new_uuid(session.store.next_digest()),
            "code": problem.code,
            "title": problem.title,
            "detail": problem.detail,
            "source": {"pointer": pointer + problem.source.get("pointer", "").removeprefix("/data").rstrip("/")},
        }
        for problem in error.problems
    ]


def _update(session: Session, kind: str, job: str, changes: Json) -> None:
    session.store.replace(session.account, kind, job, {**session.require(kind, job), **changes})
