"""A listener that answers with bytes chosen by a test: broken answers that no well-behaved Klaviyo sends."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import anyio.abc
import pytest

from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.pool import HttpPool


class Wire:
    """What was received, and a client that talks to the listener."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[bytes] = []

    @asynccontextmanager
    async def client(self, company_id: str | None = None, **options: Any) -> AsyncIterator[KlaviyoClient]:
        pool, url = HttpPool(**options), f"http://127.0.0.1:{self.port}"
        yield KlaviyoClient(ApiKeyAuth("pk_secret"), pool, base_url=url, company_id=company_id)
        await pool.close()


Answering = Callable[..., AbstractAsyncContextManager[Wire]]


@pytest.fixture
def answering() -> Answering:
    """`async with answering(b"HTTP/1.1 …")`: each request gets the next answer; None resets the connection."""

    @asynccontextmanager
    async def listen(*answers: bytes | None) -> AsyncIterator[Wire]:
        left = list(answers)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        wire = Wire(listener.extra(anyio.abc.SocketAttribute.local_port))

        async def serve(stream: anyio.abc.SocketStream) -> None:
            async with stream:
                try:
                    received = await stream.receive(1_000_000)
                except anyio.EndOfStream:
                    return
                wire.requests.append(received)
                answer = left.pop(0) if len(left) > 1 else left[0]
                if answer is None:
                    import socket
                    import struct

                    raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif answer == b"":
                    await anyio.sleep(30)
                else:
                    await stream.send(answer)

        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, serve)
            yield wire
            group.cancel_scope.cancel()
        await listener.aclose()

    return listen
