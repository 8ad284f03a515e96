"""Receiving an answer: whole, but never more of it than can be kept, however it is packed and however slowly it comes.

A transport does it, so that nothing which looks at answers (credentials, too, read those to their end) can be flooded.
"""

import zlib
from collections.abc import AsyncIterator

import httpx2

from klaviyo_mcp.klaviyo.proof import has_own_header

LARGEST_ANSWER = 20_000_000
"""Bytes of one answer, unpacked, where nothing else is set."""
ACCEPT_ENCODING = "gzip, deflate"
"""What can be unpacked piece by piece, so that a few packed bytes cannot become many at once."""
PIECE = 65_536
"""Bytes unpacked at a time."""
UNREAD = "klaviyo_mcp.unread"
"""The extension of a response that says why its body was not read to its end."""
FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that speak of the body as it was sent, and not as it is handed on."""


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Hands on answers with their bodies read and unpacked. One that is too large or broken comes without a body."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, most: int = LARGEST_ANSWER) -> None:
        """`inner` sends; `most` is in bytes, unpacked."""
        self._inner = inner
        self._most = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """A response that is complete. A connection whose answer was not read to its end is not used again."""
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - an async transport's always is
        extensions = dict(response.extensions)
        content = b""
        try:
            content = await _unpacked(response.stream, response.headers.get("Content-Encoding", ""), self._most)
        except Unread as error:
            extensions[UNREAD] = error
        finally:
            if _may_go_on(response):
                await response.extensions["network_stream"].aclose()
            await response.stream.aclose()
        headers = [(name, value) for name, value in response.headers.raw if name.lower().decode() not in FRAMING]
        return httpx2.Response(response.status_code, headers=headers, content=content, extensions=extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


class Unread(Exception):
    """Why a body was not read; a few words for people."""


class TooLarge(Unread):
    """There is more of it than is kept."""


async def _unpacked(stream: AsyncIterator[bytes] | httpx2.AsyncByteStream, encoding: str, most: int) -> bytes:
    """All of a body. Raises Unread as soon as there is more than `most` of it, or it cannot be unpacked."""
    content = bytearray()
    packing = encoding.strip().lower()
    packed = packing not in ("", "identity")
    if packed and packing not in ("gzip", "x-gzip", "deflate"):
        raise Unread("is packed in a way that was not asked for")
    unpacker = None
    async for part in stream:
        left = part
        if packed and unpacker is None and part:
            # Some servers send deflate without the header that it should have.
            bare = packing == "deflate" and part[0] & 0x0F != zlib.DEFLATED
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
        while left:
            try:
                content += left if unpacker is None else unpacker.decompress(left, PIECE)
            except zlib.error:
                raise Unread("cannot be unpacked") from None
            if len(content) > most:
                raise TooLarge(f"has more than {most:,} bytes")
            left = b"" if unpacker is None or unpacker.eof else unpacker.unconsumed_tail
    if unpacker is not None and not unpacker.eof:
        raise Unread("is packed and broken off")
    return bytes(content)


def _may_go_on(response: httpx2.Response) -> bool:
    """Whether more may come where an answer has no body: it would be taken for the answer to the next request."""
    if response.status_code != 204 or "network_stream" not in response.extensions:
        return False
    announced = response.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in response.headers
    return announced or not has_own_header(response)
