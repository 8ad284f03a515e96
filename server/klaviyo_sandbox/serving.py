"""The path a request to the API takes: faults, credentials, limits, body, then the operation, and into the log."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from klaviyo_sandbox.auth import (
    COMPANY_ID,
    Key,
    authenticate,
    authorize,
    check_revision,
    identify,
    other_form,
)
from klaviyo_sandbox.bodies import Body, read_body, read_content, read_form, takes_body
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.clock import iso, microseconds
from klaviyo_sandbox.declare import Operation
from klaviyo_sandbox.entitlements import check_entitlement
from klaviyo_sandbox.errors import JSON_API, ApiError, Problem, not_found
from klaviyo_sandbox.faults.declared import Strike
from klaviyo_sandbox.faults.fault_injection import answer_under, error_response
from klaviyo_sandbox.filter_rules import check_filters
from klaviyo_sandbox.identifiers import well_formed
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.operations import RESOURCES, ROUTES, Match
from klaviyo_sandbox.query import Query, read_query
from klaviyo_sandbox.refusals import malformed
from klaviyo_sandbox.state import State

# All answers of the live service have these; the languages and what varies are a guess.
_NEGOTIATED = {"Vary": "Accept-Language, Cookie", "Content-Language": "en-us"}
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}


class Api:
    """Klaviyo's API as an ASGI app."""

    def __init__(self, state: State) -> None:
        """Answer from this state."""
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: Starlette leaves every method to this."""
        request = Request(scope, receive)
        match = ROUTES.match(request.method, _path(request))
        name = ""
        if isinstance(match, Match):
            name = (match.at(request.headers.get("revision", "")) or match).operation.name
        await serve(self._state, name, request, send, lambda strike: self._answer(request, match, strike))

    async def _answer(self, request: Request, match: Match | frozenset[str] | None, strike: Strike) -> Response:
        now = self._state.clock.now() + timedelta(seconds=strike.seconds("clock_skew"))
        headers = {"X-Klaviyo-Req-Id": str(uuid4()), "Date": format_datetime(now, usegmt=True), **_NEGOTIATED}
        if match is not None:
            headers["Allow"] = _allow(match if isinstance(match, frozenset) else ROUTES.methods(_path(request)))
        quota: dict[str, str] = {}
        try:
            if strike.of("expire_token"):
                self._expire(request)
            answer = await self._admit(request, match, headers, quota, now)
        except ApiError as error:
            # A throttled answer says when to come back instead of what is left.
            return error_response(error, headers if error.status == 429 else {**headers, **quota})
        content = b"" if answer.document is None else json.dumps(answer.document, separators=(",", ":")).encode()
        response = Response(content, answer.status, {**headers, **quota, **answer.headers})
        if answer.document is not None:
            response.headers["Content-Type"] = JSON_API
        return response

    def _expire(self, request: Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        self._state.change(lambda: self._state.grants.expire(token))

    def _bearer(self, access_token: str, now: datetime) -> Key | None:
        return self._state.read(lambda: self._state.grants.key(access_token, microseconds(now)))

    async def _admit(
        self,
        request: Request,
        match: Match | frozenset[str] | None,
        headers: dict[str, str],
        quota: dict[str, str],
        now: datetime,
    ) -> Answer:
        """Everything between the request and its operation.

        What the answer carries in any case is put into `headers`, and what is left of the rate limits into `quota`.
        """
        if match is None:
            raise not_found(f"No endpoint exists at {_path(request)}.")
        if isinstance(match, frozenset):
            raise method_not_allowed(request.method, match)
        state, revision = self._state, request.headers.get("revision")
        stay = request.headers.get("X-Klaviyo-Revision-Fall-Forward-Opt-Out") == "1"
        if not match.operation.anonymous:
            headers.update(check_revision(revision, stay, now))
        if (answering := match.at(revision or "")) is None:
            raise other_form(match.operation, revision or "")
        match, operation = answering, answering.operation
        headers["X-Klaviyo-API-Revision"] = operation.revision
        if operation.public:
            company = request.query_params.get("company_id")
            key = identify(COMPANY_ID if operation.anonymous and company is None else company)
        else:
            key = authenticate(request.headers.get("Authorization"), lambda token: self._bearer(token, now))
        headers["CID"] = key.account
        if key.app:
            headers["X-Klaviyo-OAuth-Client-Id"] = key.app
        state.ready()
        quota.update(state.limits.admit(key.quota, operation, state.clock.now()))
        authorize(key, operation)
        check_entitlement(key.app, operation, state.world.without)
        content = await read_content(request, operation) if takes_body(operation) else b""
        # A form is read before the lock is taken, because its parser is asynchronous.
        form = await read_form(content, request.headers["Content-Type"], operation) if operation.upload else None
        with state.store.lock:
            state.settle()
            query = read_query(_query_string(request), operation, RESOURCES)
            quota.update(state.limits.admit_parameters(key.quota, operation, query, state.clock.now()))
            return self._run(request, match, key, query, form or content, now)

    def _run(
        self, request: Request, match: Match, key: Key, query: Query, content: bytes | Json, now: datetime
    ) -> Answer:
        state, operation = self._state, match.operation
        body = Body(content if operation.upload else None)
        if isinstance(content, bytes) and takes_body(operation):
            body = read_body(content, operation, RESOURCES, match.id)
        _check_form(operation, match.id)
        call = Call(
            state.world,
            key.account,
            now,
            operation=operation,
            id=match.id,
            query=query,
            data=body.data,
            base_url=f"{request.url.scheme}://{request.url.netloc}",
            path=_path(request),
            query_string=_query_string(request),
            headers=request.headers,
            dropped=body.dropped,
        )
        check_filters(call)
        if operation.method == "GET":
            return operation.run(call)
        with state.store.writing():
            answer: Answer = operation.run(call)
        state.settle()
        if body.dropped:
            # Nothing else in the answer tells.
            names = dict.fromkeys(pointer.rpartition("/")[2] for pointer in body.dropped)
            answer.headers["X-Klaviyo-Partial-Failure"] = ", ".join(names)
        return answer


async def serve(
    state: State, name: str, request: Request, send: Send, answer: Callable[[Strike], Awaitable[Response]]
) -> None:
    """Answer a request to the operation or endpoint `name` under the faults in force, and log it."""
    strike = state.faults.draw(name)

    def record(status: int) -> None:
        entry: Json = {
            "at": iso(state.clock.now()),
            "operation": name or None,
            "method": request.method,
            "path": _path(request),
            "query": _query_string(request),
            "status": status,
            "faults": strike.names,
            "headers": {name: value for name, value in request.headers.items() if name not in _SECRET_HEADERS},
        }
        state.read(lambda: state.ledger.log(entry))

    await answer_under(strike, request, send, lambda: answer(strike), record)


def method_not_allowed(method: str, allowed: frozenset[str]) -> ApiError:
    """405, saying which methods the path knows."""
    detail = f'Method "{method}" not allowed.'
    problem = Problem("method_not_allowed", detail, detail, {"pointer": "/data/"})
    return ApiError(405, [problem], {"Allow": _allow(allowed)})


def _path(request: Request) -> str:
    """The path as it was sent, percent-encoded: an id may hold an encoded slash."""
    raw: bytes | None = request.scope.get("raw_path")
    return quote(request.scope["path"]) if raw is None else raw.decode("latin-1")


def _query_string(request: Request) -> str:
    return request.scope["query_string"].decode("latin-1")


def _allow(methods: frozenset[str]) -> str:
    return ", ".join(sorted(methods))


def _check_form(operation: Operation, identifier: str) -> None:
    """Some resources answer an id of the wrong form with 400 rather than with 404."""
    resource = RESOURCES[operation.parent or operation.resource]
    if identifier and resource.malformed == 400 and not well_formed(resource.ids, identifier):
        raise malformed(resource.type, identifier)
