"""A server of raw bytes on a real socket: it answers what a test says, however broken, and keeps what it was asked."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Writing = Callable[[asyncio.StreamWriter], Awaitable[None]]
Answer = bytes | None | Writing


class Stub:
    """`answers` are given one after the other, the last for ever: bytes, None for a reset, or what writes by itself.

    `reads` is the answer to every GET, so that what a rule looks up before a write takes none of those; empty for none.
    """

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.answers: list[Answer] = []
        self.reads = b""
        self.open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, method: str) -> int:
        """How many requests of a method came."""
        return sum(request.startswith(method.encode() + b" ") for request in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.requests.append(head + body)
                answer = self._next(head)
                if answer is None:
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return
                if callable(answer):
                    await answer(writer)
                    break
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower() or not answer.lower().startswith(b"http/1.1"):
                    break
        writer.close()

    def _next(self, head: bytes) -> Answer:
        if self.reads and head.startswith(b"GET "):
            return self.reads
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def stub(*answers: Answer) -> AsyncIterator[Stub]:
    """A stub that listens until the block ends."""
    found = Stub()
    found.answers = list(answers)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, limit=16_000_000)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for writer in found.open:
            writer.transport.abort()
        await asyncio.sleep(0)


def http(status: int, body: bytes = b"", *, close: bool = True, **headers: str) -> bytes:
    """An answer of one piece; names of headers with _ for -."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *(["Connection: close"] if close else [])]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


OWN = {"Content_Type": "application/vnd.api+json", "X_Klaviyo_Req_Id": "5f3c0000-0000-4000-8000-000000000001"}
"""Headers of Klaviyo's own answers."""
