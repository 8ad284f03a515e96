"""One running sandbox: its state, clock, limits and log, and the path every API request takes through them."""

import json
import threading
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from klaviyo_mcp.sandbox.auth import REVISION, authenticate, authorize, check_revision
from klaviyo_mcp.sandbox.bodies import read_body, takes_body, too_large
from klaviyo_mcp.sandbox.calls import Answer, Call, Session, World
from klaviyo_mcp.sandbox.catalogue import RESOURCES, ROUTES, WORK, Match
from klaviyo_mcp.sandbox.clock import ShiftedClock, iso, microseconds, moment_of
from klaviyo_mcp.sandbox.declare import Operation
from klaviyo_mcp.sandbox.errors import ApiError, Problem, invalid_body, not_found
from klaviyo_mcp.sandbox.identifiers import well_formed
from klaviyo_mcp.sandbox.limits import RateLimits
from klaviyo_mcp.sandbox.query import read_query
from klaviyo_mcp.sandbox.shapes import Json
from klaviyo_mcp.sandbox.store import Store

Result = TypeVar("Result")

JSON_API = "application/vnd.api+json"
LARGEST_BODY = 5 * 1024 * 1024
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
    ) -> None:
        """See `create_app`."""
        self.clock = clock
        self.log: deque[Json] = deque(maxlen=500)
        self._seed = seed
        self._profiles = profiles
        self._limits = RateLimits(rate_limits)
        self._world = World(Store(state, RESOURCES), RESOURCES, event_delay, estimation_seconds)
        self._opening = threading.Lock()
        self._opened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI app: Starlette leaves every method to it."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        headers = {"X-Klaviyo-Req-Id": str(uuid4())}
        try:
            answer = await self._admit(request, headers)
        except ApiError as error:
            if error.status == 429:
                # A throttled answer says when to come back instead of what is left.
                headers = {name: value for name, value in headers.items() if not name.startswith("RateLimit-")}
            answer = Answer(error.status, error.document(), error.headers)
        self._record(request, answer.status)
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
        self._limits.reset()
        self.log.clear()

    def write(self, account: str, change: Callable[[Session], Result]) -> Result:
        """Change an account's state from outside the API."""
        with self._world.store.writing():
            return change(Session(self._world, account, self.clock.now()))

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

    async def _admit(self, request: Request, headers: dict[str, str]) -> Answer:
        """Everything between the request and its operation. Puts into `headers` what the answer carries in any case."""
        match = ROUTES.match(request.method, _path(request))
        if match is None:
            raise not_found(f"No endpoint exists at {_path(request)}.")
        if isinstance(match, frozenset):
            raise method_not_allowed(request.method, match)
        stay = request.headers.get("X-Klaviyo-Revision-Fall-Forward-Opt-Out") == "1"
        now = self.clock.now()
        check_revision(request.headers.get("revision"), stay, now)
        headers["X-Klaviyo-API-Revision"] = REVISION
        key = authenticate(request.headers.get("Authorization"))
        headers["CID"] = key.account
        headers.update(self._limits.admit(key.account, match.operation, now))
        authorize(key, match.operation)
        content = await _content(request) if takes_body(match.operation) else b""
        self.ready()
        with self._world.store.lock:
            self.settle()
            return self._run(request, match, key.account, content)

    def _run(self, request: Request, match: Match, account: str, content: bytes) -> Answer:
        operation = match.operation
        query_string = request.scope["query_string"].decode("latin-1")
        query = read_query(query_string, operation, RESOURCES)
        self._limits.admit_parameters(account, operation, query, self.clock.now())
        data: Any = None
        if takes_body(operation):
            data = read_body(content, operation, RESOURCES, match.id)
        _check_form(operation, match.id)
        call = Call(
            self._world,
            account,
            self.clock.now(),
            operation=operation,
            id=match.id,
            query=query,
            data=data,
            base_url=f"{request.url.scheme}://{request.url.netloc}",
            path=_path(request),
            query_string=query_string,
        )
        if operation.method == "GET":
            return operation.run(call)
        with self._world.store.writing():
            answer = operation.run(call)
        self.settle()
        return answer

    def _fill(self, *, afresh: bool = False) -> None:
        # Filling is imported here because most processes that import the sandbox never serve from it.
        from klaviyo_mcp.sandbox.seed import seed_sandbox

        with self._world.store.writing():
            if afresh:
                self._world.store.erase()
            if self._world.store.remembered("seed") is None:
                self._world.store.remember("seed", str(self._seed))
                seed_sandbox(self._world, self._seed, self._profiles, self.clock.now())

    def _record(self, request: Request, status: int) -> None:
        self.log.append(
            {
                "at": iso(self.clock.now()),
                "method": request.method,
                "path": _path(request),
                "query": request.scope["query_string"].decode("latin-1"),
                "status": status,
                "headers": {name: value for name, value in request.headers.items() if name not in _SECRET_HEADERS},
            }
        )


def method_not_allowed(method: str, allowed: frozenset[str]) -> ApiError:
    """405, saying which methods the path knows."""
    detail = f'Method "{method}" not allowed.'
    problem = Problem("method_not_allowed", detail, detail, {"pointer": "/data/"})
    return ApiError(405, [problem], {"Allow": ", ".join(sorted(allowed))})


def _path(request: Request) -> str:
    """The path as it was sent, percent-encoded: an id may hold an encoded slash."""
    raw: bytes | None = request.scope.get("raw_path")
    return quote(request.scope["path"]) if raw is None else raw.decode("latin-1")


async def _content(request: Request) -> bytes:
    """The body, decompressed. Raises ApiError (413, 415)."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_BODY:
            raise too_large(LARGEST_BODY)
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in (JSON_API, "application/json"):
        detail = f'Unsupported media type "{media_type}" in request. Use {JSON_API}.'
        raise ApiError(
            415, [Problem("unsupported_media_type", "Unsupported media type.", detail, {"pointer": "/data"})]
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "gzip":
        return bytes(content)
    try:
        plain = zlib.decompressobj(wbits=31).decompress(bytes(content), LARGEST_BODY + 1)
    except zlib.error:
        raise invalid_body("/data", "The request body is not valid gzip.") from None
    if len(plain) > LARGEST_BODY:
        raise too_large(LARGEST_BODY)
    return plain


def _check_form(operation: Operation, identifier: str) -> None:
    """Some resources answer an id of the wrong form with 400 rather than with 404."""
    resource = RESOURCES[operation.parent or operation.resource]
    if identifier and resource.malformed == 400 and not well_formed(resource.ids, identifier):
        raise invalid_body("/data/id", f"'{identifier}' is not a valid {resource.type} id.")
