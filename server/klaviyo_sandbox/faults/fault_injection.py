"""How faults strike: what takes the place of an ordinary answer, down to a connection that really breaks.

Over uvicorn a broken connection is one: the app aborts the transport it was handed the request on, with lingering
switched off, so the client's machine sees a TCP reset and not a single byte of an answer. ASGI has no word for that, so
`Sandbox` finds the transport through the server's `send` method. In process there is no connection, and the client's
transport raises what it would raise on a real one: httpx2.ReadError. (A server that shows its apps no transport turns
that into its own error answer, usually a 500.)
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from klaviyo_sandbox.errors import JSON_API, ApiError, Problem
from klaviyo_sandbox.faults.declared import Fault, Strike
from klaviyo_sandbox.faults.spoiling import SPOILED
from klaviyo_sandbox.limits import throttled

BROKEN = 0
_TRANSPORT = "klaviyo_sandbox.transport"
_PIECES = 10
_SERVER_ERRORS = {
    500: ("error", "A server error occurred."),
    503: ("service_unavailable", "Service temporarily unavailable, try again later."),
    504: ("gateway_timeout", "The request took too long."),
}
_PAGE = """<!DOCTYPE html>
<html><head><title>{status}</title></head>
<body><h1>{status}</h1><p>The sandbox pretends to be a proxy that turned this request away.</p></body></html>
"""


class Sandbox(Starlette):
    """An app that remembers which connection each request came in on, so that it can be broken."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as Starlette does."""
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


async def answer_under(
    strike: Strike,
    request: Request,
    send: Send,
    answer: Callable[[], Awaitable[Response]],
    record: Callable[[int], None],
) -> None:
    """Send what `answer` gives, or what `strike` makes of it. `record` learns the status, BROKEN for none at all."""
    await asyncio.sleep(strike.seconds("latency"))
    instead = strike.of("status", "html")
    if strike.of("reset_before"):
        record(BROKEN)
        return await _break(request.scope)
    response = _instead(instead) if instead and not instead.after else await answer()
    if instead and instead.after:
        response = _instead(instead)
    if strike.of("reset_after"):
        record(BROKEN)
        return await _break(request.scope)
    for fault in strike.faults:
        if fault.kind in SPOILED:
            response = SPOILED[fault.kind](response)
    record(response.status_code)
    size = len(response.body)
    if strike.of("drip"):
        return await _trickle(response, request, send, strike.seconds("drip"), 1)
    if strike.of("slow"):
        return await _trickle(response, request, send, strike.seconds("slow") / _PIECES, max(1, -(-size // _PIECES)))
    return await response(request.scope, request.receive, send)


def error_response(error: ApiError, headers: dict[str, str]) -> Response:
    """An API error as it is sent."""
    content = json.dumps(error.document(), separators=(",", ":"))
    response = Response(content, error.status, {**headers, **error.headers})
    response.headers["Content-Type"] = JSON_API
    return response


def _instead(fault: Fault) -> Response:
    headers = {"X-Klaviyo-Req-Id": str(uuid4())}
    if fault.kind == "html":
        elsewhere = {"Location": "https://proxy.invalid/sign-in"} if fault.status == 303 else None
        return HTMLResponse(_PAGE.format(status=fault.status), fault.status, elsewhere)
    if fault.status == 429:
        return error_response(throttled(1 if fault.retry_after is None else fault.retry_after), headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    code, title = _SERVER_ERRORS[fault.status]
    return error_response(ApiError(fault.status, [Problem(code, title, title, {"pointer": "/data"})]), headers)


async def _trickle(response: Response, request: Request, send: Send, seconds: float, size: int) -> None:
    """Send so many bytes at a time, with `seconds` before each, while there is somebody to send them to."""
    body = bytes(response.body)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds)
        if await request.is_disconnected():
            return
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _break(scope: Scope) -> None:
    transport: Any = scope.get(_TRANSPORT)
    if transport is None:
        from httpx2 import ReadError

        raise ReadError("The sandbox broke the connection.")
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    # The server notices at its next turn; until then it would complain that there was no answer.
    await asyncio.sleep(0.001)
