"""An HTTP server that, told to stop, lets calls finish, and has those that cannot say what became of them."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

IN_LINE = 1_024
"""Connections that the system holds until they are accepted; it may hold fewer."""
LAST_WORDS = 20.0
"""Seconds for interrupted calls to answer; a renewal of tokens, which is not interrupted, takes 15 at most."""


class DrainingServer(uvicorn.Server):
    """Stops on the first signal as soon as all calls are answered, and hurries them on the second."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        stop_receiving: Callable[[], None],
        interrupt: Callable[[], None],
        grace: float,
        at_end: Callable[[], None] | None = None,
    ) -> None:
        """`stop_receiving` is called at once, and `interrupt` when calls are still under way after `grace` seconds.

        `at_end` is called in time: the signal that ended the server is raised again afterwards, and ends the process.
        """
        super().__init__(config)
        config.timeout_graceful_shutdown = round(grace + LAST_WORDS)
        self._stop_receiving = stop_receiving
        self._interrupt = interrupt
        self._grace = grace
        self._at_end = at_end
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, a few at a time, while the system keeps as many in line as it may."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(IN_LINE)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal. The second one is for those who cannot wait: calls end now, but with an answer."""
        if not self.should_exit or self._grace == 0:
            super().handle_exit(sig, frame)
            return
        self._grace = 0
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._interrupt)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, and wait for the answers of those that are under way."""
        self._loop = asyncio.get_running_loop()
        self._stop_receiving()
        timer = self._loop.call_later(self._grace, self._interrupt)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()
            if self._at_end is not None:
                self._at_end()
