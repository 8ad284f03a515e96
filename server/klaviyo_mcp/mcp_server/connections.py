"""Connections over HTTP: how many there may be, and how long each may keep the server waiting.

A connection waits for its client from when it is made, or the last answer was given, until the next head is whole.
When there are too many, the one that has waited longest makes room: those who open connections and say nothing cannot
keep others out. Who is answered waits for nobody and is never closed for another.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

log = logging.getLogger("klaviyo_mcp")

ACCEPTED_AT_ONCE = 16
"""Connections that asyncio accepts before it looks at any of them. It takes as many descriptors beyond the limit."""
RESERVE = 160
"""Descriptors that are not for clients: 100 connections to Klaviyo, those just accepted, files of the vault."""
LEAST = 16
TOLD_EVERY = 60.0
"""Seconds between two lines of the log about too many connections."""
BUSY = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"This server has as many calls under way as it may '
    b'have connections (KLAVIYO_MCP_MAX_CONNECTIONS); nothing was done. Try again in some seconds."}}'
)
LATE = b"The head of the request did not come in time."


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a server waits for its clients: for the head of a request, its body, and that answers are read."""

    head: float = 20.0
    body: float = 60.0
    reading: float = 60.0


def most_connections(wanted: int) -> int:
    """How many connections there may be: as many as wanted, but no more than the system has descriptors for."""
    try:
        import resource
    except ImportError:  # Windows counts no descriptors
        return wanted
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(allowed - RESERVE, allowed // 2, LEAST))


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, within `most` connections and the time of `patience`."""

    most = 1_000
    patience = Patience()
    last_told = -TOLD_EVERY

    waiting_since: float | None = None
    """When the connection began to wait for its client; None while a request is being answered."""
    cycle: RequestResponseCycle | None  # pyright: ignore[reportIncompatibleVariableOverride]
    _head: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new connection, for which another may have to go."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > self.most and not self._make_room():
            self._refuse(b"503 Service Unavailable", b"application/json", BUSY, b"retry-after: 5\r\n")
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Some bytes; once they make a whole head, the server has to answer and the client waits."""
        before = self.cycle
        super().data_received(data)
        self._was_asked(before)

    def on_response_complete(self) -> None:
        """An answer was given. The next request may have come with the last one."""
        before = self.cycle
        self._wait()
        super().on_response_complete()
        self._was_asked(before)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone. Whoever is still answering may want to know: `left` in the state of the request."""
        for timer in (self._head, self._reading):
            if timer is not None:
                timer.cancel()
        if self.cycle is not None and not self.cycle.response_complete:
            self.scope.get("state", {})["left"] = True
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._reading = self.loop.call_later(self.patience.reading, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _was_asked(self, before: RequestResponseCycle | None) -> None:
        if self.cycle is not None and self.cycle is not before and not self.cycle.response_complete:
            self._answering()

    def _wait(self) -> None:
        self._answering()
        self.waiting_since = self.loop.time()
        self._head = self.loop.call_later(self.patience.head, self._late)

    def _answering(self) -> None:
        self.waiting_since = None
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _late(self) -> None:
        begun = self.cycle is None or self.cycle.response_complete
        if begun and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._refuse(b"408 Request Timeout", b"text/plain", LATE)
        else:
            self.transport.abort()

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for its client, if any does."""
        others = (cast("BoundedProtocol", one) for one in self.connections)
        waiting = [(one.waiting_since, id(one), one) for one in others if one.waiting_since is not None]
        self._tell()
        if not waiting:
            return False
        longest = min(waiting)[2]
        longest._answering()
        self.connections.discard(longest)
        longest.transport.abort()
        return True

    def _tell(self) -> None:
        now = self.loop.time()
        if now - BoundedProtocol.last_told >= TOLD_EVERY:
            BoundedProtocol.last_told = now
            log.warning(
                "there are %d connections, as many as there may be: those that wait longest for their client are "
                "closed (KLAVIYO_MCP_MAX_CONNECTIONS, and the limit of open files)",
                self.most,
            )

    def _refuse(self, status: bytes, kind: bytes, body: bytes, more: bytes = b"") -> None:
        head = b"HTTP/1.1 %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n%s\r\n"
        self.transport.write(head % (status, kind, len(body), more) + body)
        self.transport.close()


def bounded_protocol(most: int, patience: Patience) -> type[asyncio.Protocol]:
    """The protocol of a server of its own."""
    values: dict[str, Any] = {"most": most, "patience": patience}
    return type("Bounded", (BoundedProtocol,), values)
