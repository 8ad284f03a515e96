"""A sandbox to talk to, in process and one request at a time, on a clock that only tests move."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from klaviyo_sandbox import API_KEY, ManualClock, create_app
from klaviyo_sandbox.facts import REVISION

START = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
JSON_API = "application/vnd.api+json"


class Talk:
    """A client of one sandbox. Answers are httpx2 responses; `data` and `errors` read what is in them.

    `revision` is the one that requests are made at unless they say another.
    """

    def __init__(self, *, revision: str = REVISION, **options: Any) -> None:
        self.revision = revision
        self.clock = ManualClock(START)
        self.app = create_app(**{"clock": self.clock, "profiles": 40, "rate_limits": False, **options})
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()

    def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = API_KEY, **headers: str | None
    ) -> httpx2.Response:
        """`headers` are named like Python arguments; None leaves out a header that is otherwise sent."""
        sent: dict[str, str | None] = {"revision": self.revision, "Accept": JSON_API}
        sent["Authorization"] = None if key is None else f"Klaviyo-API-Key {key}"
        if body is not None:
            sent["Content-Type"] = JSON_API
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self._runner.run(self._send(method, path, content, {k: v for k, v in sent.items() if v is not None}))

    async def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> httpx2.Response:
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            return await client.request(method, path, content=content, headers=headers)

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        return self.request("POST", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        return self.request("DELETE", path, body, **options)

    def data(self, path: str, **options: Any) -> Any:
        """The `data` of a reading that must succeed."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def problem(self, answer: httpx2.Response, status: int) -> dict[str, Any]:
        """The one error of an answer that must have failed with `status`."""
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == JSON_API
        (error,) = answer.json()["errors"]
        assert error["status"] == status
        return error

    def kept(self, written: Any) -> Any:
        """What reading shows later of what was just written, whose moments are kept to the second."""
        return json.loads(re.sub(r"\.\d{6}\+00:00", "+00:00", json.dumps(written)))

    def walk(self, path: str, direction: str = "next") -> list[dict[str, Any]]:
        """All items of a collection, page after page."""
        items: list[dict[str, Any]] = []
        target: str | None = path
        while target:
            document = self.get(target).json()
            items += document["data"]
            target = local(document["links"].get(direction))
        return items

    def list_id(self, name: str) -> str:
        return self.data(f'/api/lists?filter=equals(name,"{name}")')[0]["id"]

    def metric_id(self, name: str) -> str:
        return next(metric["id"] for metric in self.data("/api/metrics") if metric["attributes"]["name"] == name)

    def profile(self, email: str, extra: str = "") -> dict[str, Any] | None:
        found = self.data(f'/api/profiles?filter=equals(email,"{email}"){extra}')
        return found[0] if found else None

    def subscriptions(self, email: str) -> dict[str, Any]:
        profile = self.profile(email, "&additional-fields[profile]=subscriptions")
        assert profile is not None
        return profile["attributes"]["subscriptions"]

    def create_profile(self, **attributes: Any) -> str:
        answer = self.post("/api/profiles", {"data": {"type": "profile", "attributes": attributes}})
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    def create_list(self, name: str, opt_in_process: str = "single_opt_in") -> str:
        attributes = {"name": name, "opt_in_process": opt_in_process}
        answer = self.post("/api/lists", {"data": {"type": "list", "attributes": attributes}})
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    def add_to_list(self, list_id: str, *profiles: str) -> httpx2.Response:
        members = [{"type": "profile", "id": profile} for profile in profiles]
        return self.post(f"/api/lists/{list_id}/relationships/profiles", {"data": members})


def local(link: str | None) -> str | None:
    """The path and query of a link."""
    if link is None:
        return None
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def make_sandbox(request: pytest.FixtureRequest) -> Iterator[Callable[..., Talk]]:
    """A function that makes sandboxes with options of `create_app`, to talk to at a test module's `AT_REVISION`."""
    made: list[Talk] = []

    def make(**options: Any) -> Talk:
        made.append(Talk(**{"revision": _revision(request), **options}))
        return made[-1]

    yield make
    for talk in made:
        talk.close()


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Talk]) -> Talk:
    """A fresh sandbox of 40 customers without rate limits."""
    return make_sandbox()


@pytest.fixture(scope="session")
def shop() -> Iterator[Talk]:
    """A sandbox of 120 customers that tests only read from."""
    talk = Talk(profiles=120)
    yield talk
    talk.close()


@pytest.fixture(autouse=True)
def _at_revision(request: pytest.FixtureRequest) -> None:
    """The shop that all share is talked to at the revision of each module, too."""
    if "shop" in request.fixturenames:
        request.getfixturevalue("shop").revision = _revision(request)


def _revision(request: pytest.FixtureRequest) -> str:
    return getattr(request.module, "AT_REVISION", REVISION)
