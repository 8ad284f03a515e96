"""Running the MCP server over stdio: the SDK behind the front that has been reading since the process began."""

import asyncio
from contextlib import suppress
from typing import Any

import anyio
from anyio import to_thread
from mcp.server import NotificationOptions, Server
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

from klaviyo_mcp.mcp_server.front import Front


async def serve_stdio(server: Server[Any], front: Front) -> None:
    """Serve until the client has closed stdin and has all its answers, or has closed stdout."""
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

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pass_on)
        tasks.start_soon(answer)
        front.attach(wake)
        await server.run(from_client, to_client, server.create_initialization_options(NotificationOptions()))
