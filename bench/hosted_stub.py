"""A Klaviyo that answers every request with the same lists, as fast as Python can: `python hosted_stub.py PORT`."""

import asyncio
import json
import sys

LISTS = [
    {
        "type": "list",
        "id": f"Abc{number:03}",
        "attributes": {
            "name": f"List {number}",
            "created": "2026-01-05T10:00:00+00:00",
            "updated": "2026-10-05T10:00:00+00:00",
            "opt_in_process": "double_opt_in",
        },
        "links": {"self": f"https://a.klaviyo.com/api/lists/Abc{number:03}/"},
    }
    for number in range(10)
]
BODY = json.dumps({"data": LISTS, "links": {"self": "https://a.klaviyo.com/api/lists", "next": None}}).encode()
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\nRateLimit-Limit: 75, 75;w=1, 750;w=60\r\n"
    f"RateLimit-Remaining: 700\r\nRateLimit-Reset: 0\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()


class Stub(asyncio.Protocol):
    """Answers each head; no request has a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.unread = b""

    def data_received(self, data: bytes) -> None:
        *heads, self.unread = (self.unread + data).split(b"\r\n\r\n")
        self.transport.write((HEAD + BODY) * len(heads))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
