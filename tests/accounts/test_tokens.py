"""An OAuth connection in use: when tokens are renewed, what a 401 leads to, and what stops it for good."""

import gzip
import time

import anyio
import httpx2
import pytest
from tests.klaviyo.stub import http, stub

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import ReconnectNeeded, RefreshFailing, UnknownAccount, VaultUnavailable
from klaviyo_mcp.accounts.oauth import OAuthFailed, klaviyo_app
from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.accounts.tokens import app_of
from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_mcp.klaviyo.errors import ForeignAnswer, FreshTokenRefused
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import ApiRequest, WaitBudget
from klaviyo_mcp.klaviyo.route import certificates

NAME = "juniper-pine"


@pytest.fixture
async def accounts(vault):
    opened = ConnectedAccounts(vault)
    yield opened
    await opened.close()


async def test_a_token_that_lasts_is_not_renewed(vault, connect, accounts, read, fresh) -> None:
    await connect(vault)
    fresh.begin()
    assert [await read(accounts) for _ in range(3)] == ["DEMO01"] * 3
    assert fresh.seen("oauth_token") == 0


async def test_a_token_is_renewed_before_it_expires_and_the_new_pair_is_in_the_vault(
    vault, connect, accounts, read, age, fresh
) -> None:
    before = (await connect(vault)).grant
    await age(vault, NAME, seconds=200)
    fresh.begin()
    assert await read(accounts) == "DEMO01"
    assert fresh.seen("oauth_token") == 1
    after = (await vault.read(NAME)).grant
    assert after.access_token != before.access_token
    assert after.expires_at == pytest.approx(time.time() + 3600, abs=30)
    # The access token is what changes; Klaviyo keeps the refresh token.
    assert after.refresh_token == before.refresh_token


async def test_many_calls_at_once_refresh_once(vault, connect, accounts, read, age, fresh) -> None:
    await connect(vault)
    await age(vault, NAME)
    fresh.begin()
    answers: list[str] = []

    async def one() -> None:
        answers.append(await read(accounts))

    async with anyio.create_task_group() as group:
        for _ in range(30):
            group.start_soon(one)
    assert answers == ["DEMO01"] * 30
    assert fresh.seen("oauth_token") == 1


async def test_a_refused_token_is_renewed_once_and_a_write_is_done_once(vault, connect, accounts, age, fresh) -> None:
    await connect(vault)
    await age(vault, NAME, seconds=3000)
    account = await accounts.find()
    body = {"data": {"type": "list", "attributes": {"name": "Once only"}}}
    fresh.fail({"operation": "create_list", "fault": "expire_token", "count": 1})
    made = await account.client.send(ApiRequest("POST", "/api/lists", body=body), WaitBudget(5))
    assert made.document["data"]["attributes"]["name"] == "Once only"
    assert fresh.seen("oauth_token") == 1
    query = (("filter", 'equals(name,"Once only")'),)
    found = await account.client.send(ApiRequest("GET", "/api/lists", query=query), WaitBudget(5))
    assert len(found.document["data"]) == 1


async def test_a_token_that_is_refused_right_after_it_was_renewed_is_not_renewed_again(
    vault, connect, accounts, age, read, fresh
) -> None:
    await connect(vault)
    await age(vault, NAME, seconds=3000)
    fresh.fail({"operation": "get_accounts", "fault": "expire_token"})
    for _ in range(5):
        with pytest.raises(FreshTokenRefused):
            await read(accounts)
    assert fresh.seen("oauth_token") == 1


async def test_a_revoked_grant_needs_a_person_and_is_not_tried_again(vault, connect, accounts, read, fresh) -> None:
    connection = await connect(vault)
    assert await read(accounts) == "DEMO01"
    await app_of(connection.grant).revoke(connection.grant.refresh_token)
    await vault.write(connection.with_grant(refreshed_at=0.0))
    fresh.begin()
    for _ in range(12):
        with pytest.raises(ReconnectNeeded, match=f"klaviyo-mcp connect --name {NAME}"):
            await read(accounts)
    assert fresh.seen("oauth_token") == 1
    other = ConnectedAccounts(open_vault(vault.store._home))
    with pytest.raises(ReconnectNeeded):
        await read(other)
    assert fresh.seen("oauth_token") == 1, "another process knows it too"
    await connect(vault, name=NAME)
    assert await read(accounts) == "DEMO01", "a running process takes up the new grant"
    assert await read(other) == "DEMO01"
    await other.close()


async def test_a_wrong_client_secret_is_told_and_not_hammered(vault, connect, accounts, read, age, fresh) -> None:
    await connect(vault)
    await age(vault, NAME, client_secret=Secret("sEcReT-wrong"))
    fresh.begin()
    for _ in range(12):
        with pytest.raises(RefreshFailing, match="KLAVIYO_CLIENT_SECRET") as error:
            await read(accounts)
    assert error.value.retry_at is not None
    assert fresh.seen("oauth_token") == 1
    mended = ConnectedAccounts(
        vault, app=(fresh.client_id, Secret(fresh.client_secret)), clock=lambda: time.time() + 60
    )
    assert await read(mended) == "DEMO01", "the secret of the settings wins when it is of the same app"
    await mended.close()


FAULTS = {
    "server error": {"fault": "status", "status": 503},
    "HTML from a firewall": {"fault": "html", "status": 403},
    "too many requests": {"fault": "status", "status": 429, "retry_after": 5},
    "connection breaks": {"fault": "reset_before"},
    "answer is lost": {"fault": "reset_after"},
    "half an answer": {"fault": "truncate"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_refresh_that_fails_is_borne_while_the_token_lasts_and_mended_later(
    vault, connect, read, age, fresh, fault
) -> None:
    await connect(vault)
    await age(vault, NAME, seconds=200)
    now = [time.time()]
    accounts = ConnectedAccounts(vault, clock=lambda: now[0])
    fresh.fail({"operation": "oauth_token", **fault})
    assert await read(accounts) == "DEMO01"
    await age(vault, NAME, seconds=-60, failed_at=now[0], failure="before")
    with pytest.raises(RefreshFailing):
        await read(accounts)
    fresh.begin()
    now[0] += 20
    assert await read(accounts) == "DEMO01"
    assert fresh.seen("oauth_token") == 1
    await accounts.close()


async def test_a_token_endpoint_that_is_silent_is_given_up(vault, connect, read, age, fresh, monkeypatch) -> None:
    monkeypatch.setattr("klaviyo_mcp.accounts.oauth.LONGEST", 0.3)
    await connect(vault)
    await age(vault, NAME)
    fresh.fail({"operation": "oauth_token", "fault": "latency", "seconds": 3})
    accounts = ConnectedAccounts(vault)
    began = time.monotonic()
    with pytest.raises(RefreshFailing, match="could not be reached"):
        await read(accounts)
    assert time.monotonic() - began < 2
    await accounts.close()


async def test_a_call_that_is_cancelled_during_a_refresh_still_keeps_the_pair(
    vault, connect, accounts, read, age, fresh
) -> None:
    before = (await connect(vault)).grant
    await age(vault, NAME)
    fresh.fail({"operation": "oauth_token", "fault": "latency", "seconds": 0.8})
    async with anyio.create_task_group() as group:
        group.start_soon(read, accounts)
        while not fresh.seen("oauth_token"):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert (await vault.read(NAME)).grant.access_token != before.access_token
    assert fresh.seen("oauth_token") == 1


async def test_without_redis_calls_go_on_until_the_token_ends(redis_server, connect, read, age, fresh) -> None:
    vault = open_vault(None, url=redis_server.url, key=fresh.vault_key)
    now = [time.time()]
    accounts = ConnectedAccounts(vault, clock=lambda: now[0])
    await connect(vault)
    assert await read(accounts, NAME) == "DEMO01"
    redis_server.stop()
    assert await read(accounts, NAME) == "DEMO01"
    now[0] += 4000
    with pytest.raises(VaultUnavailable):
        await read(accounts, NAME)
    redis_server.start()
    assert await read(accounts, NAME) == "DEMO01"
    await accounts.close()


async def test_a_disconnected_account_is_gone_for_running_processes_too(vault, connect, accounts, read) -> None:
    await connect(vault)
    await connect(vault, "OTHER1")
    assert await read(accounts, NAME) == "DEMO01"
    await vault.remove(NAME)
    with pytest.raises(UnknownAccount, match="there are: lumen-coffee"):
        await read(accounts, NAME)


async def test_a_token_goes_to_the_api_and_nowhere_else(vault, connect, fresh) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(202)

    await connect(vault)
    accounts = ConnectedAccounts(vault, Endpoint(pool=HttpPool(httpx2.MockTransport(answer))))
    account = await accounts.find()
    await account.client.send(ApiRequest("GET", "/api/lists"), WaitBudget(1))
    await account.client.send(ApiRequest("POST", "/client/events", body={}, needs_company_id=True), WaitBudget(1))
    assert seen[0].headers["Authorization"].startswith("Bearer ")
    assert "Authorization" not in seen[1].headers
    assert seen[1].url.params["company_id"] == "DEMO01", "the public key comes from the connection"
    await accounts.close()


async def test_errors_and_reprs_hold_no_token(vault, connect, accounts, fresh) -> None:
    connection = await connect(vault)
    account = await accounts.find()
    for thing in (connection, account, accounts, vault, connection.grant, app_of(connection.grant)):
        assert "sEcReT" not in repr(thing)
    app = klaviyo_app(fresh.client_id, Secret("sEcReT-wrong"), base_url=fresh.url)
    with pytest.raises(OAuthFailed) as error:
        await app.refresh(connection.grant.refresh_token, ())
    assert "sEcReT" not in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SSL_CERT_FILE", "/nonexistent.pem"), ("HTTPS_PROXY", "socks4://x"), ("HTTPS_PROXY", "http://127.0.0.1:1")],
)
async def test_what_keeps_from_the_token_endpoint_is_told_by_its_variable(monkeypatch, variable, value) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    certificates.cache_clear()
    monkeypatch.setenv(variable, value)
    app = klaviyo_app("some-app", Secret("x"), base_url="https://klaviyo.example.org")
    consent = app.consent("http://127.0.0.1:1/callback", ["lists:read"])
    with pytest.raises(OAuthFailed, match=variable):
        await app.exchange("code", consent)
    certificates.cache_clear()


@pytest.mark.parametrize(
    "answer",
    [
        http(200, b"[" * 200_000, Content_Type="application/json"),
        http(200, b'{"access_token":"a","expires_in":1e999}', Content_Type="application/json"),
        http(200, b"[1]", Content_Type="application/json"),
        http(200, gzip.compress(bytes(5_000_000), mtime=0), Content_Encoding="gzip", Content_Type="application/json"),
        http(200, b'{"access_token":"\\ud800","expires_in":NaN}', Content_Type="application/json"),
    ],
    ids=["deep", "endless", "list", "bomb", "half"],
)
async def test_an_answer_of_the_token_endpoint_that_is_none_is_told_as_that(answer) -> None:
    async with stub(answer) as wire:
        app = klaviyo_app("some-app", Secret("x"), base_url=wire.url)
        with pytest.raises(OAuthFailed):
            await app.exchange("code", app.consent("http://127.0.0.1:1/callback", ["lists:read"]))


async def test_a_401_that_is_not_klaviyos_renews_nothing_and_repeats_nothing(vault, connect, fresh) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(401, html="<html>Log in to the network</html>")

    await connect(vault)
    fresh.begin()
    accounts = ConnectedAccounts(vault, Endpoint(pool=HttpPool(httpx2.MockTransport(answer))))
    account = await accounts.find()
    with pytest.raises(ForeignAnswer):
        await account.client.send(ApiRequest("POST", "/api/lists", body={}), WaitBudget(1))
    await accounts.close()
    assert len(seen) == 1
    assert fresh.seen("oauth_token") == 0
