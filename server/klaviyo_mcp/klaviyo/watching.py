"""Who is told of the requests of a call while they are made: whoever runs the call. The client knows nothing of why.

A watcher is of the call, not of the client, which many calls use at once: it is kept in the context that the tasks of
a call share.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import httpx2

from klaviyo_mcp.klaviyo.errors import KlaviyoError

RESENDS = "resends"
"""The extension of a request that counts how often it was sent again."""


@dataclass(slots=True)
class Exchange:
    """One time that a request is sent. Nothing here says what was asked for: no id, no query, no body.

    `template` is the path with its holes, such as /api/lists/{id}; `operation` names Klaviyo's operation; `resends` is
    0 the first time. `status` is None until there is an answer.
    """

    method: str
    template: str
    operation: str
    host: str
    port: int | None
    resends: int
    status: int | None = None


class Watcher(Protocol):
    """Told of what a call does at Klaviyo."""

    def exchange(self, exchange: Exchange) -> AbstractContextManager[object]:
        """A request goes out. The block ends when there is an answer, or raises what became of it."""
        ...

    def waits(self, seconds: float) -> None:
        """The call has waited for quota, for so many seconds; waits side by side count once."""
        ...

    def refreshed(self, outcome: str) -> None:
        """The call has had an access token renewed: ok, refused (for good), or failed (for now)."""
        ...


watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
"""The watcher of the call that is being carried out, None when nobody looks."""


async def watched(
    sending: Awaitable[httpx2.Response], request: httpx2.Request, *, template: str, operation: str
) -> httpx2.Response:
    """The response to a request that is being sent; the watcher of the call, if there is one, is told."""
    looks = watcher.get()
    if looks is None:
        return await sending
    resends = request.extensions[RESENDS] = request.extensions.get(RESENDS, -1) + 1
    exchange = Exchange(request.method, template, operation, request.url.host, request.url.port, resends)
    with looks.exchange(exchange):
        response = await sending
        exchange.status = response.status_code
    return response


def error_type(problem: BaseException) -> str:
    """What a failure is called where only words that we know may stand: never its text."""
    if isinstance(problem, asyncio.CancelledError):
        return "cancelled"
    return problem.code if isinstance(problem, KlaviyoError) else type(problem).__name__
