"""What one connection, one company and one address may ask for, and that nobody else hears of what one does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.authorization.driving import ISSUER, REDIRECT, REGISTRY, App, Clock, Documents, new_service

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.authorization.pacing import MOST_KEPT, RATES, OwnPace, Pace
from klaviyo_mcp.authorization.replies import Access
from klaviyo_mcp.hosted.app import hosted_app
from klaviyo_mcp.hosted.limiting import ACCOUNT_AT_ONCE, GRANT_AT_ONCE, RequestGate, SharedPace, address_of
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_mcp.runtime.settings import Settings

REGISTRATION = {"redirect_uris": [REDIRECT], "client_name": "Juniper"}


class Hosted:
    """The hosted service as one ASGI app, with requests from any address."""

    def __init__(self, app: Any, service: Any) -> None:
        self.app = app
        self.service = service

    def at(self, address: str = "203.0.113.9") -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app, client=(address, 50_000))
        return httpx2.AsyncClient(transport=transport, base_url=ISSUER)

    async def token(self) -> dict[str, str]:
        """The headers of a client that is connected."""
        client_id = (await self.service.register(client_name="Juniper"))["client_id"]
        return {"Authorization": f"Bearer {(await App(self.service, client_id).tokens())['access_token']}"}


@pytest.fixture
async def hosted(klaviyo: Any, tmp_path: Path) -> AsyncIterator[Hosted]:
    klaviyo.begin()
    addresses = [klaviyo.redirect_uri, f"{ISSUER}/oauth/klaviyo/callback"]
    app = {"client_id": klaviyo.client_id, "client_secret": klaviyo.client_secret, "redirect_uris": addresses}
    klaviyo.control("oauth/apps", **app)
    async with Endpoint(klaviyo.url) as endpoint:
        vault = open_vault(tmp_path / "home")
        service = new_service(vault, klaviyo, Clock(), Documents(), endpoint)
        listing = Listing(REGISTRY, Exposure(frozenset(REGISTRY.toolsets)))
        server = make_server(Engine(REGISTRY), lambda _: ConnectedAccounts(vault, endpoint), listing)
        settings = Settings(klaviyo_mcp_allowed_hosts="mcp.example.com")
        app = hosted_app(server, service.server, service.config, REGISTRY, settings)
        async with app.router.lifespan_context(app):
            yield Hosted(app, service)
        await vault.close()


async def test_a31_whoever_registers_a_thousand_times_is_told_to_wait_and_others_are_served(hosted: Hosted) -> None:
    async with hosted.at("198.51.100.7") as flooding, hosted.at() as other:
        answers = [await flooding.post("/register", json=REGISTRATION) for _ in range(1_000)]
        taken = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(taken) + len(refused) == 1_000
        assert len(taken) < 200
        assert refused[0].json()["error"] == "temporarily_unavailable"
        assert "Nothing was changed" in refused[0].json()["error_description"]
        assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
        assert refused[0].headers["Cache-Control"] == "no-store"
        assert (await other.post("/register", json=REGISTRATION)).status_code == 201
        assert (await flooding.get("/.well-known/oauth-authorization-server")).status_code == 200
        assert (await flooding.post("/mcp", headers=await hosted.token(), json=ping(1))).status_code == 200


async def test_a_page_tells_a_person_who_asks_too_often(hosted: Hosted) -> None:
    async with hosted.at() as browser:
        for _ in range(RATES["authorizations"].burst + 1):
            answer = await browser.get("/authorize")
        while answer.status_code != 429:
            answer = await browser.get("/authorize")
        assert "Too many attempts</h1>" in answer.text
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await browser.get("/")).status_code == 200


async def test_a_connection_that_asks_too_often_is_told_when_to_come_back(hosted: Hosted) -> None:
    hasty, patient = await hosted.token(), await hosted.token()
    async with hosted.at() as client:
        statuses: list[int] = []
        while 429 not in statuses[-1:] and len(statuses) < 2_000:
            answers = await asyncio.gather(*(client.get("/mcp", headers=hasty) for _ in range(GRANT_AT_ONCE)))
            statuses += [answer.status_code for answer in answers]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert len(statuses) > RATES["requests"].burst
        assert refused.json()["error"]["message"].startswith("This connection asks too often (20 a second")
        assert "nothing was done" in refused.json()["error"]["message"]
        assert refused.headers["Retry-After"] == "1"
        assert (await client.post("/mcp", headers=patient, json=ping(1))).status_code == 200
        await asyncio.sleep(0.1)
        assert (await client.post("/mcp", headers=hasty, json=ping(1))).status_code == 200


async def test_a_connection_has_eight_requests_under_way_and_no_more() -> None:
    gate, held = holding(OwnPace())
    async with held(gate, [("grant", "COMPANY")] * GRANT_AT_ONCE):
        assert await answered(gate, "grant", "COMPANY") == 429
        assert await answered(gate, "another", "COMPANY") == 200
    assert await answered(gate, "grant", "COMPANY") == 200


async def test_a_company_has_thirty_two_requests_under_way_and_no_more() -> None:
    gate, held = holding(OwnPace())
    async with held(gate, [(f"grant {number % 8}", "COMPANY") for number in range(ACCOUNT_AT_ONCE)]):
        assert await answered(gate, "another", "COMPANY") == 429
        assert await answered(gate, "another", "OTHER") == 200
    assert await answered(gate, "another", "COMPANY") == 200


async def test_a_grant_is_refreshed_thirty_times_in_a_row_and_then_every_two_seconds(hosted: Hosted) -> None:
    service = hosted.service
    app = App(service, (await service.register(client_name="Juniper"))["client_id"])
    tokens = await app.tokens()
    for _ in range(RATES["refreshes"].burst):
        reply = await app.refresh(tokens["refresh_token"])
        assert reply.status == 200
        tokens = reply.body
    refused = await app.refresh(tokens["refresh_token"])
    assert (refused.status, refused.body["error"]) == (429, "temporarily_unavailable")
    assert refused.headers["Retry-After"] == "2"
    service.clock.pass_(2)
    assert (await app.refresh(tokens["refresh_token"])).status == 200


async def test_a_bucket_fills_again_at_its_pace() -> None:
    clock = Clock()
    pace = OwnPace(clock)
    assert [await pace.take("authorizations", "a") for _ in range(60)] == [0.0] * 60
    assert await pace.take("authorizations", "a") == pytest.approx(1.0, abs=0.001)
    assert await pace.take("authorizations", "b") == 0.0
    clock.pass_(10)
    assert [await pace.take("authorizations", "a") for _ in range(10)] == [0.0] * 10
    assert await pace.take("authorizations", "a") > 0
    clock.pass_(-86_400)
    assert await pace.take("authorizations", "a") <= 60


async def test_memory_is_bounded_however_many_ask() -> None:
    pace = OwnPace()
    for number in range(MOST_KEPT + 100):
        await pace.take("registrations", str(number))
    assert len(pace._full) == MOST_KEPT


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2::1", "20010db800010002"),
        ("2001:db8:1:2:ffff::9", "20010db800010002"),
        ("no address", "no address"),
    ],
)
def test_an_address_is_counted_by_its_network(given: str, counted: str) -> None:
    assert address_of({"client": (given, 1)}) == counted


# Several instances.


@pytest.fixture
async def instances(redis_server: Any) -> AsyncIterator[Callable[[], SharedPace]]:
    made: list[SharedPace] = []

    def another() -> SharedPace:
        made.append(SharedPace(QuotaServer(redis_server.url, away=0.2, patience=0.25, counts="what is limited")))
        return made[-1]

    yield another
    for pace in made:
        await pace.close()


async def test_instances_share_their_buckets(instances: Any) -> None:
    one, other = instances(), instances()
    taken = [await pace.take("documents", "client.example") for pace in (one, other) * 5]
    assert taken == [0.0] * 10
    for pace in (one, other):
        assert 4.0 < await pace.take("documents", "client.example") <= 6.0
        assert await pace.take("documents", "other.example") == 0.0


async def test_without_redis_each_instance_counts_for_itself(instances: Any, redis_server: Any) -> None:
    pace = instances()
    assert await pace.take("documents", "client.example") == 0.0
    redis_server.stop()
    began = time.monotonic()
    assert [await pace.take("documents", "client.example") for _ in range(9)] == [0.0] * 9
    assert await pace.take("documents", "client.example") > 0
    assert time.monotonic() - began < 3
    redis_server.start()
    await asyncio.sleep(0.3)
    assert await pace.take("documents", "other.example") == 0.0


def ping(number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "ping"}


def holding(pace: Pace) -> tuple[RequestGate, Any]:
    """A gate before an app that answers when it may, and what keeps requests in it."""
    may = asyncio.Event()
    may.set()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await may.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    @asynccontextmanager
    async def held(gate: RequestGate, whose: list[tuple[str, str]]) -> AsyncIterator[None]:
        may.clear()
        waiting = [asyncio.create_task(answered(gate, *one)) for one in whose]
        await asyncio.sleep(0)
        passing = asyncio.get_running_loop().call_later(0.05, may.set)
        yield
        passing.cancel()
        may.set()
        assert await asyncio.gather(*waiting) == [200] * len(whose)

    return RequestGate(app, pace), held


async def answered(gate: RequestGate, grant: str, account: str) -> int:
    """The status that a request is answered with."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    access = Access(grant, account, "client", "klaviyo:read", ("klaviyo:read",), f"{ISSUER}/mcp", 0.0)
    await gate({"type": "http", "method": "POST", "headers": [], "state": {"access": access}}, ping_body, send)
    return sent[0]["status"]


async def ping_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
