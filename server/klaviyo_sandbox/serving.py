"""One running sandbox: its state, clock, limits and log, and the path every API request takes through them."""

import json
import threading
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from klaviyo_sandbox.auth import (
    COMPANY_ID,
    REVISION,
    Key,
    authenticate,
    authorize,
    check_entitlement,
    check_revision,
    identify,
)
from klaviyo_sandbox.bodies import read_body, read_content, read_form, takes_body
from klaviyo_sandbox.calls import Answer, Call, Session, World
from klaviyo_sandbox.clock import ShiftedClock, iso, microseconds, moment_of
from klaviyo_sandbox.declare import Operation
from klaviyo_sandbox.errors import JSON_API, ApiError, Problem, invalid_body, not_found
from klaviyo_sandbox.faults.declared import Faults, Strike
from klaviyo_sandbox.faults.fault_injection import answer_under, error_response
from klaviyo_sandbox.identifiers import well_formed
from klaviyo_sandbox.limits import RateLimits
from klaviyo_sandbox.operations import RESOURCES, ROUTES, WORK, Match
from klaviyo_sandbox.query import read_query
from klaviyo_sandbox.shapes import Json
from klaviyo_sandbox.storage.grants import Grants
from klaviyo_sandbox.storage.ledger import FileLedger, Ledger, MemoryLedger
from klaviyo_sandbox.storage.store import Store

Result = TypeVar("Result")

_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}


class Service:
    """A sandbox. It opens and fills its store when the first request arrives."""

    def __init__(
        self,
        *,
        state: Path | None,
        seed: int,
        profiles: int,
        clock: ShiftedClock,
        rate_limits: bool,
        estimation_seconds: float,
        event_delay: float,
        job_seconds: float,
        faults: Faults,
        auto_approve: bool,
        access_token_seconds: int,
        lacking: Collection[str],
    ) -> None:
        """See `create_app`."""
        self.clock = clock
        self.faults = faults
        self._seed = seed
        self._profiles = profiles
        store = Store(state, RESOURCES)
        self.ledger: Ledger = MemoryLedger() if state is None else FileLedger(store)
        self.grants = Grants(store, auto_approve, access_token_seconds)
        self.limits = RateLimits(self.ledger, rate_limits)
        self.store = store
        self._world = World(store, RESOURCES, event_delay, estimation_seconds, job_seconds, frozenset(lacking))
        self._opening = threading.Lock()
        self._opened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one API request, as an ASGI app: Starlette leaves every method to it."""
        request = Request(scope, receive)
        match = ROUTES.match(request.method, _path(request))
        name = match.operation.name if isinstance(match, Match) else ""
        await self.serve(name, request, send, lambda strike: self._answer(request, match, strike))

    async def serve(
        self, name: str, request: Request, send: Send, answer: Callable[[Strike], Awaitable[Response]]
    ) -> None:
        """Answer a request to the operation or endpoint `name` under the faults in force, and log it."""
        strike = self.faults.draw(name)
        await answer_under(
            strike,
            request,
            send,
            lambda: answer(strike),
            lambda status: self._record(request, name, status, strike),
        )

    async def _answer(self, request: Request, match: Match | frozenset[str] | None, strike: Strike) -> Response:
        headers = {"X-Klaviyo-Req-Id": str(uuid4())}
        now = self.clock.now() + timedelta(seconds=strike.seconds("clock_skew"))
        if strike.of("clock_skew"):
            headers["Date"] = format_datetime(now, usegmt=True)
        try:
            if strike.of("expire_token"):
                self._expire(request)
            answer = await self._admit(request, match, headers, now)
        except ApiError as error:
            if error.status == 429:
                # A throttled answer says when to come back instead of what is left.
                headers = {name: value for name, value in headers.items() if not name.startswith("RateLimit-")}
            return error_response(error, headers)
        content = b"" if answer.document is None else json.dumps(answer.document, separators=(",", ":")).encode()
        response = Response(content, answer.status, {**headers, **answer.headers})
        if answer.document is not None:
            response.headers["Content-Type"] = JSON_API
        return response

    def ready(self) -> None:
        """Open the store, and fill it if it is empty."""
        with self._opening:
            if not self._opened:
                self._world.store.open()
                self._fill()
                self._opened = True

    def reset(self) -> None:
        """Go back to the freshly seeded shop, an unshifted clock, unused rate limits and an empty log."""
        self.ready()
        self.clock.reset()
        self._fill(afresh=True)
        self.ledger.clear()

    def logged(self) -> list[Json]:
        """The last requests, oldest first."""
        return self.read(self.ledger.logged)

    def read(self, query: Callable[[], Result]) -> Result:
        """Read the state from outside the API."""
        self.ready()
        with self._world.store.lock:
            return query()

    def change(self, action: Callable[[], Result]) -> Result:
        """Change the state from outside the API."""
        self.ready()
        with self._world.store.writing():
            return action()

    def write(self, account: str, change: Callable[[Session], Result]) -> Result:
        """Change an account's state from outside the API."""
        return self.change(lambda: change(Session(self._world, account, self.clock.now())))

    def settle(self) -> None:
        """Do all work that has come due, in the order in which it did."""
        store, now = self._world.store, microseconds(self.clock.now())
        with store.lock:
            if not store.has_due(now):
                return
            with store.writing():
                while work := store.take_due(now):
                    due, account, kind, payload = work
                    WORK[kind](Session(self._world, account, moment_of(due)), payload)

    def _expire(self, request: Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        self.change(lambda: self.grants.expire(token))

    def _bearer(self, access_token: str, now: datetime) -> Key | None:
        return self.read(lambda: self.grants.key(access_token, microseconds(now)))

    async def _admit(
        self, request: Request, match: Match | frozenset[str] | None, headers: dict[str, str], now: datetime
    ) -> Answer:
        """Everything between the request and its operation. Puts into `headers` what the answer carries in any case."""
        if match is None:
            raise not_found(f"No endpoint exists at {_path(request)}.")
        if isinstance(match, frozenset):
            raise method_not_allowed(request.method, match)
        stay = request.headers.get("X-Klaviyo-Revision-Fall-Forward-Opt-Out") == "1"
        if not match.operation.anonymous:
            check_revision(request.headers.get("revision"), stay, now)
        headers["X-Klaviyo-API-Revision"] = REVISION
        if match.operation.public:
            company = request.query_params.get("company_id")
            key = identify(COMPANY_ID if match.operation.anonymous and company is None else company)
        else:
            key = authenticate(request.headers.get("Authorization"), lambda token: self._bearer(token, now))
        headers["CID"] = key.account
        if key.app:
            headers["X-Klaviyo-OAuth-Client-Id"] = key.app
        self.ready()
        headers.update(self.limits.admit(key.quota, match.operation, self.clock.now()))
        authorize(key, match.operation)
        check_entitlement(key, match.operation, self._world.lacking)
        content = await read_content(request, match.operation) if takes_body(match.operation) else b""
        form: Json | None = None
        if match.operation.upload:
            # A form is read before the lock is taken, because its parser is asynchronous.
            form = await read_form(content, request.headers["Content-Type"], match.operation)
        with self._world.store.lock:
            self.settle()
            return self._run(request, match, key, form or content, now)

    def _run(self, request: Request, match: Match, key: Key, content: bytes | Json, now: datetime) -> Answer:
        operation = match.operation
        query_string = request.scope["query_string"].decode("latin-1")
        query = read_query(query_string, operation, RESOURCES)
        self.limits.admit_parameters(key.quota, operation, query, self.clock.now())
        data: Any = content if operation.upload else None
        if isinstance(content, bytes) and takes_body(operation):
            data = read_body(content, operation, RESOURCES, match.id)
        _check_form(operation, match.id)
        call = Call(
            self._world,
            key.account,
            now,
            operation=operation,
            id=match.id,
            query=query,
            data=data,
            base_url=f"{request.url.scheme}://{request.url.netloc}",
            path=_path(request),
            query_string=query_string,
            headers=request.headers,
        )
        if operation.method == "GET":
            return operation.run(call)
        with self._world.store.writing():
            answer = operation.run(call)
        self.settle()
        return answer

    def _fill(self, *, afresh: bool = False) -> None:
        # Filling is imported here because most processes that import the sandbox never serve from it.
        from klaviyo_sandbox.seed import seed_sandbox

        with self._world.store.writing():
            if afresh:
                self._world.store.erase()
            if self._world.store.remembered("seed") is None:
                self._world.store.remember("seed", str(self._seed))
                seed_sandbox(self._world, self._seed, self._profiles, self.clock.now())

    def _record(self, request: Request, name: str, status: int, strike: Strike) -> None:
        entry: Json = {
            "at": iso(self.clock.now()),
            "operation": name or None,
            "method": request.method,
            "path": _path(request),
            "query": request.scope["query_string"].decode("latin-1"),
            "status": status,
            "faults": strike.names,
            "headers": {name: value for name, value in request.headers.items() if name not in _SECRET_HEADERS},
        }
        self.read(lambda: self.ledger.log(entry))


def method_not_allowed(method: str, allowed: frozenset[str]) -> ApiError:
    """405, saying which methods the path knows."""
    detail = f'Method "{method}" not allowed.'
    problem = Problem("method_not_allowed", detail, detail, {"pointer": "/data/"})
    return ApiError(405, [problem], {"Allow": ", ".join(sorted(allowed))})


def _path(request: Request) -> str:
    """The path as it was sent, percent-encoded: an id may hold an encoded slash."""
    raw: bytes | None = request.scope.get("raw_path")
    return quote(request.scope["path"]) if raw is None else raw.decode("latin-1")


def _check_form(operation: Operation, identifier: str) -> None:
    """Some resources answer an id of the wrong form with 400 rather than with 404."""
    resource = RESOURCES[operation.parent or operation.resource]
    if identifier and resource.malformed == 400 and not well_formed(resource.ids, identifier):
        raise invalid_body("/data/id", f"'{identifier}' is not a valid {resource.type} id.")
