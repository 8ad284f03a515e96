"""One pool of connections for all accounts of a process, and nothing of one account in another one's requests."""

import asyncio

import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.klaviyo.errors import QuotaExhausted
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import ApiRequest, Bucket, WaitBudget

GET = ApiRequest("GET", "/api/accounts")
ONCE = ApiRequest("GET", "/api/accounts", buckets=(Bucket("get_accounts", 1, 60),))
NAMES = ("first", "second", "third")


async def test_credentials_and_cookies_of_one_account_are_in_no_request_of_another() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        whose = request.headers["Authorization"].split("_")[-1]
        return httpx2.Response(200, json={"data": []}, headers={"Set-Cookie": f"session={whose}; Path=/"})

    async with Endpoint("https://k", HttpPool(httpx2.MockTransport(answer))) as endpoint:
        accounts = [open_account(name, endpoint, api_key=f"pk_{name}") for name in NAMES]
        await asyncio.gather(*(account.client.send(GET, WaitBudget(1)) for account in [*accounts, *accounts]))
        for account in accounts:
            await account.client.send(GET, WaitBudget(1))
    assert sorted(request.headers["Authorization"] for request in seen) == sorted(
        f"Klaviyo-API-Key pk_{name}" for name in NAMES * 3
    )
    assert not any("Cookie" in request.headers for request in seen)


async def test_all_accounts_use_the_same_connections_until_the_accounts_are_closed() -> None:
    opened: list[asyncio.StreamWriter] = []
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(b'HTTP/1.1 200 OK\r\nX-Klaviyo-Req-Id: 1\r\nContent-Length: 11\r\n\r\n{"data":[]}')
        writer.close()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    endpoint = Endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    accounts = [OneAccount(open_account(name, endpoint, api_key=f"pk_{name}"), endpoint) for name in NAMES]
    for one in accounts:
        await (await one.find()).client.send(GET, WaitBudget(1))
    assert len(opened) == 1
    assert not ended.is_set()
    await accounts[0].close()
    await asyncio.wait_for(ended.wait(), 5)
    server.close()


async def test_keys_of_one_company_share_a_quota_and_others_do_not() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"data": []}))
    endpoint = Endpoint("https://k", HttpPool(transport))
    one, same = (open_account(name, endpoint, api_key="pk_x", counted_as="DEMO01") for name in NAMES[:2])
    other, elsewhere = open_account("third", endpoint), open_account("third", endpoint.at("https://other"))
    await one.client.send(ONCE, WaitBudget(0))
    with pytest.raises(QuotaExhausted):
        await same.client.send(ONCE, WaitBudget(0))
    public = ApiRequest("POST", "/client/events", buckets=ONCE.buckets)
    for account in (other, elsewhere):
        await account.client.send(public, WaitBudget(0))
    unpaced = open_account("first", Endpoint("https://k", HttpPool(transport), pace=False), api_key="pk_x")
    for _ in range(3):
        await unpaced.client.send(ONCE, WaitBudget(0))


async def test_who_watches_a_client_sees_its_answers_alone() -> None:
    endpoint = Endpoint("https://k", HttpPool(httpx2.MockTransport(lambda _: httpx2.Response(204))))
    watched, other = (open_account(name, endpoint, api_key=f"pk_{name}") for name in NAMES[:2])
    seen: list[httpx2.Response] = []
    with watched.client.watching(seen.append):
        for account in (watched, other, watched):
            await account.client.send(GET, WaitBudget(1))
    await watched.client.send(GET, WaitBudget(1))
    assert [response.request.headers["Authorization"] for response in seen] == ["Klaviyo-API-Key pk_first"] * 2
