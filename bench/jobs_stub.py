"""A Klaviyo for jobs that answers as fast as Python can and keeps Klaviyo's limits: `python jobs_stub.py PORT EVENTS`.

It takes bulk imports of profiles and bulk events, and gives EVENTS events out by pages. Nothing is kept but counts, by
key and operation: requests that were accepted and refused, the rows in them, and when the first and last one came.
`GET /_stub` tells them.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

LIMITS = {"bulk_import_profiles": (10, 150), "bulk_create_events": (10, 150), "get_bulk_import_profiles_job": (10, 150)}
LIMITS |= {"get_events": (350, 3500)}
"""Requests in a second and in a minute, as Klaviyo documents them for each operation."""
POSTS = {"/api/profile-bulk-import-jobs": "bulk_import_profiles", "/api/event-bulk-create-jobs": "bulk_create_events"}
JOBS = "/api/profile-bulk-import-jobs/"
ROW = re.compile(rb"person\.\d+@")
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
EVENTS_A_SECOND = 5
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
KEY = re.compile(rb"\r\nauthorization: *([^\r]+)", re.IGNORECASE)


@dataclass
class Counts:
    """What was counted of one operation under one key, and its fixed windows: when each began, and how many in it."""

    accepted: int = 0
    refused: int = 0
    rows: int = 0
    first: float = 0.0
    last: float = 0.0
    windows: dict[int, tuple[float, int]] = field(default_factory=dict[int, tuple[float, int]])

    def admit(self, limits: tuple[int, int]) -> tuple[list[str], float]:
        """The headers of an answer, and the seconds until there is room, 0 where there is."""
        now = time.time()
        sizes = dict(zip((1, 60), limits, strict=True))
        for seconds in sizes:
            began, _ = self.windows.get(seconds, (0.0, 0))
            if now >= began + seconds:
                self.windows[seconds] = (now, 0)
        full = [began + one - now for one, (began, used) in self.windows.items() if used >= sizes[one]]
        if not full:
            self.windows = {one: (began, used + 1) for one, (began, used) in self.windows.items()}
        left, seconds = min((sizes[one] - used, one) for one, (_, used) in self.windows.items())
        reset = max(0, int(self.windows[seconds][0] + seconds - now))
        told = f"{sizes[seconds]}, {', '.join(f'{most};w={one}' for one, most in sizes.items())}"
        return [f"RateLimit-Limit: {told}", f"RateLimit-Remaining: {left}", f"RateLimit-Reset: {reset}"], max(
            full, default=0.0
        )

    def count(self, body: bytes) -> None:
        """A request that was let in."""
        self.last = time.time()
        self.first = self.first or self.last
        self.accepted += 1
        self.rows += len(ROW.findall(body))


counts: dict[str, dict[str, Counts]] = {}
events = 0


class Stub(asyncio.Protocol):
    """Reads requests one after the other, and answers each as soon as its body is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.unread = transport, bytearray()

    def data_received(self, data: bytes) -> None:
        self.unread += data
        for head, body in self._requests():
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            key = found[1].decode() if (found := KEY.search(head)) else ""
            status, headers, answer = answered(method, target, key, body)
            head_lines = [f"HTTP/1.1 {status} -", "Content-Type: application/vnd.api+json", *headers]
            self.transport.write("\r\n".join([*head_lines, f"Content-Length: {len(answer)}", "", ""]).encode() + answer)

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        while (end := self.unread.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.unread[:end])
            size = int(found[1]) if (found := LENGTH.search(head)) else 0
            if len(self.unread) < end + 4 + size:
                return
            body = bytes(self.unread[end + 4 : end + 4 + size])
            del self.unread[: end + 4 + size]
            yield head, body


def answered(method: str, target: str, key: str, body: bytes) -> tuple[int, list[str], bytes]:
    """Status, headers and body."""
    parts = urlsplit(target)
    if parts.path == "/_stub":
        told = {one: {name: vars(found) for name, found in of.items()} for one, of in counts.items()}
        return 200, [], json.dumps(told).encode()
    operation = POSTS.get(parts.path, "") if method == "POST" else ""
    operation = operation or ("get_bulk_import_profiles_job" if parts.path.startswith(JOBS) else "")
    operation = operation or ("get_events" if parts.path == "/api/events" else "")
    if not operation:
        return 200, [], b'{"data": [], "links": {"next": null}}'
    found = counts.setdefault(key, {}).setdefault(operation, Counts())
    headers, wait = found.admit(LIMITS[operation])
    if wait:
        found.refused += 1
        error = {"id": "1", "status": 429, "code": "throttled", "title": "Request was throttled.", "detail": "Later."}
        return 429, [*headers, f"Retry-After: {max(1, int(wait + 0.999))}"], json.dumps({"errors": [error]}).encode()
    found.count(body)
    if operation == "bulk_create_events":
        return 202, headers, b""
    if operation == "get_events":
        return 200, headers, page(parse_qs(parts.query))
    id = parts.path.removeprefix(JOBS) if method == "GET" else f"job-{found.accepted}"
    return (200 if method == "GET" else 202), headers, job(id, done=method == "GET")


def job(id: str, *, done: bool) -> bytes:
    """A job of Klaviyo's, done as soon as it is asked for."""
    now = datetime.now(UTC).isoformat()
    attributes = {"status": "complete" if done else "queued", "created_at": now, "total_count": 10_000}
    attributes |= {"completed_count": 10_000 * done, "failed_count": 0, "completed_at": now if done else None}
    attributes |= {"expires_at": now, "started_at": now}
    links = {"self": f"https://a.klaviyo.com/api/profile-bulk-import-jobs/{id}/"}
    data = {"type": "profile-bulk-import-job", "id": id, "attributes": attributes, "links": links}
    return json.dumps({"data": data, "links": links}).encode()


def page(query: dict[str, list[str]]) -> bytes:
    """Events in the order of their times, from a cursor or a time on."""
    size = int(query.get("page[size]", ["20"])[0])
    at = re.search(r"greater-or-equal\(datetime,([^)]+)\)", query.get("filter", [""])[0])
    start = int((datetime.fromisoformat(at[1]) - BEGAN).total_seconds() * EVENTS_A_SECOND) if at else 0
    start = int(query["page[cursor]"][0]) if "page[cursor]" in query else max(0, start)
    numbers = range(start, min(start + size, events))
    rest = f'"https://a.klaviyo.com/api/events?page%5Bcursor%5D={start + size}"' if start + size < events else "null"
    metric = '{"type":"metric","id":"Pl4ced","attributes":{"name":"Placed Order"},"links":{"self":"https://a"}}'
    included = ",".join([metric, *(PROFILE % (number, number) for number in numbers)]) if "include" in query else ""
    data = ",".join(event(number) for number in numbers)
    return f'{{"data":[{data}],"included":[{included}],"links":{{"self":"https://a","next":{rest}}}}}'.encode()


PROFILE = (
    '{"type":"profile","id":"01P%08d","attributes":{"email":"person.%d@mail.example.org"},"links":{"self":"https://a"}}'
)
EVENT = (
    '{"type":"event","id":"ev%08d","attributes":{"timestamp":%d,"datetime":"%s","uuid":"ev%08d","event_properties":'
    '{"$value":%d.5,"OrderId":"order-%d","Items":["Mug","Shirt"],"Source":"shop","Discount":null,"Shipping":4.9}},'
    '"relationships":{"profile":{"data":{"type":"profile","id":"01P%08d"}},'
    '"metric":{"data":{"type":"metric","id":"Pl4ced"}}},"links":{"self":"https://a.klaviyo.com/api/events/ev"}}'
)


def event(number: int) -> str:
    """The event of this number."""
    moment = BEGAN + timedelta(seconds=number / EVENTS_A_SECOND)
    written = moment.isoformat(timespec="milliseconds")
    return EVENT % (number, int(moment.timestamp()), written, number, number % 300, number, number)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    events = int(sys.argv[2])
    asyncio.run(main(int(sys.argv[1])))
