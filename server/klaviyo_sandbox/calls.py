"""One request to the API on its way through the sandbox, and the answer to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from klaviyo_sandbox.clock import exact, iso, microseconds, moment_of
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.errors import ApiError
from klaviyo_sandbox.identifiers import new_identifier
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.query import Query
from klaviyo_sandbox.refusals import unknown
from klaviyo_sandbox.storage.store import Store
from klaviyo_sandbox.webhook_sender import Outbox


@dataclass(frozen=True, slots=True)
class World:
    """What every call of one sandbox shares."""

    store: Store
    resources: Mapping[str, Resource]
    event_delay: float = 0.0
    estimation_seconds: float = 2.0
    job_seconds: float = 1.0
    without: frozenset[str] = frozenset()
    outbox: Outbox = field(default_factory=Outbox)

    def entitled(self, feature: str) -> bool:
        """Whether the accounts have a feature that Klaviyo enables for some only."""
        return feature not in self.without


@dataclass(frozen=True, slots=True)
class Session:
    """One account's corner of the sandbox at one moment. Handlers and delayed work both act through it."""

    world: World
    account: str
    now: datetime

    @property
    def store(self) -> Store:
        """The database."""
        return self.world.store

    @property
    def stamp(self) -> str:
        """The present moment as what it makes or changes is stamped. The store keeps what a resource's kind keeps."""
        return exact(self.now)

    @property
    def second(self) -> str:
        """The present moment to the second, for what never shows more."""
        return iso(self.now)

    @property
    def micros(self) -> int:
        """The present moment in microseconds since 1970."""
        return microseconds(self.now)

    def moment(self, micros: int | None) -> str | None:
        """Microseconds since 1970 as attributes show moments, to the second."""
        return None if micros is None else iso(moment_of(micros))

    def new_id(self, kind: str) -> str:
        """An identifier for a new resource."""
        form = self.world.resources[kind].ids
        return (
            self.store.next_rising() if form == "rising" else new_identifier(form, self.store.next_digest(), self.now)
        )

    def require(self, kind: str, identifier: str) -> Json:
        """The body of a resource that must exist. Raises ApiError (404)."""
        body = self.store.get(self.account, kind, identifier)
        if body is None:
            raise self.missing(kind, identifier)
        return body

    def missing(self, kind: str, identifier: str) -> ApiError:
        """The error for a resource that does not exist in this account."""
        return unknown(self.world.resources[kind].type, identifier)

    def schedule(self, kind: str, payload: Json, seconds: float) -> None:
        """Have work done `seconds` from now."""
        self.store.schedule(self.account, kind, payload, self.micros + round(seconds * 1_000_000))


@dataclass(frozen=True, slots=True)
class Call(Session):
    """A request that was authenticated, admitted and checked against its operation's declaration.

    dropped: pointers of what the body said in a faulty way and was left out of `data`
    """

    operation: Operation
    id: str
    query: Query
    data: Any
    base_url: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    dropped: tuple[str, ...] = ()

    def missing(self, kind: str, identifier: str) -> ApiError:
        """The error for a resource that does not exist, as this operation tells it."""
        return unknown(self.world.resources[kind].type, identifier, self.operation.name)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and, unless the body is empty, a JSON document."""

    status: int
    document: Json | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
