"""Running the MCP server over stdio: the SDK behind the front that has been reading since the process began."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

import anyio
from anyio import to_thread
from mcp.server import NotificationOptions, Server
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

from klaviyo_mcp.mcp_server.front import Front

GRACE = 1.0
"""Seconds that calls may still take after SIGTERM. Clients wait two before they kill."""


async def serve_stdio(
    server: Server[Any],
    front: Front,
    interrupt: Callable[[], None],
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> None:
    """Serve, with `beside` entered, until the client has closed stdin and has all its answers, or has closed stdout.

    After SIGTERM too: calls that are under way then are answered, by `interrupt` with their outcome as far as it is
    known, and the process ends by the signal.
    """
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    async def pass_on() -> None:
        async with to_server:
            while not front.done:
                await news.wait()
                news.clear()
                while (message := front.take()) is not None:
                    try:
                        read = jsonrpc_message_adapter.validate_python(message, by_name=False)
                    except ValidationError:
                        await to_thread.run_sync(front.reject, message)
                    else:
                        await to_server.send(SessionMessage(read))

    async def answer() -> None:
        async with from_server:
            async for message in from_server:
                sent = message.message.model_dump(mode="json", by_alias=True, exclude_unset=True)
                await to_thread.run_sync(front.send, sent, abandon_on_cancel=True)

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever would have listened
            loop.call_soon_threadsafe(news.set)

    stopped = _on_terminate(loop, front, interrupt)
    async with beside(), anyio.create_task_group() as tasks:
        tasks.start_soon(pass_on)
        tasks.start_soon(answer)
        front.attach(wake)
        await server.run(from_client, to_client, server.create_initialization_options(NotificationOptions()))
    if stopped.is_set():
        loop.remove_signal_handler(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)


def _on_terminate(loop: asyncio.AbstractEventLoop, front: Front, interrupt: Callable[[], None]) -> asyncio.Event:
    """What SIGTERM does from now on, and whether it came. Windows has no such signal: processes just end there."""
    stopped = asyncio.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            loop.call_later(GRACE, interrupt)
            front.finish()

    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, stop)
    return stopped
