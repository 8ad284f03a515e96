"""Many accounts in one process: none waits for another, and those not used for long are forgotten."""

import time
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from key_value.aio.wrappers.base import BaseWrapper

from klaviyo_mcp.accounts.connect import join
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import UnknownAccount
from klaviyo_mcp.accounts.keys import VaultKeys
from klaviyo_mcp.accounts.records import ApiKey, Company, Secret
from klaviyo_mcp.accounts.stores import FileStore
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import ApiRequest, WaitBudget

GET = ApiRequest("GET", "/api/accounts")


class HeldStore(FileStore):
    """Files in which reading the record of a name that is `held` takes until the event is set."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.held: dict[str, anyio.Event] = {}

    def key_value(self) -> Any:
        files, held = super().key_value(), self.held

        class Holding(BaseWrapper):
            key_value = files

            async def get(self, key: str, *, collection: str | None = None) -> Any:
                if key in held:
                    await held[key].wait()
                return await files.get(key, collection=collection)

        return files and Holding()


@pytest.fixture
async def vault(tmp_path: Path) -> Any:
    opened = Vault(HeldStore(tmp_path), VaultKeys(tmp_path, None))
    for name in ("first", "second", "third"):
        await join(opened, ApiKey(Secret(f"pk_{name}")), Company(name, name), base_url="https://k", name=name)
    yield opened
    await opened.close()


class Klaviyo:
    """Answers with the key it was asked with, once `open` is set."""

    def __init__(self) -> None:
        self.open = anyio.Event()
        self.endpoint = Endpoint("https://k", HttpPool(httpx2.MockTransport(self.answer)), pace=False)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        await self.open.wait()
        return httpx2.Response(200, json={"data": [], "asked": request.headers["Authorization"]})


async def test_an_account_that_is_slow_to_open_keeps_no_other_waiting(vault) -> None:
    accounts = ConnectedAccounts(vault, Klaviyo().endpoint)
    vault.store.held["first"] = anyio.Event()
    opened: list[str] = []

    async def find(name: str) -> None:
        opened.append((await accounts.find(name)).name)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(find, "first")
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(5):
            await find("second")
            await find("third")
        assert opened == ["second", "third"]
        vault.store.held["first"].set()
    assert opened == ["second", "third", *["first"] * 3]


async def test_an_account_whose_token_is_renewed_slowly_keeps_no_other_waiting(tmp_path, connect, age, fresh) -> None:
    vault = Vault(FileStore(tmp_path), VaultKeys(tmp_path, None))
    await connect(vault, "DEMO01", name="slow")
    await connect(vault, "OTHER1", name="quick")
    await age(vault, "slow")
    fresh.fail({"operation": "oauth_token", "fault": "latency", "seconds": 3})
    accounts = ConnectedAccounts(vault)
    ended: dict[str, float] = {}

    async def call(name: str) -> None:
        began = time.monotonic()
        await (await accounts.find(name)).client.send(GET, WaitBudget(5))
        ended[name] = time.monotonic() - began

    async with anyio.create_task_group() as group:
        for name in ("slow", "slow", "quick"):
            group.start_soon(call, name)
    await accounts.close()
    assert list(ended) == ["quick", "slow"]
    assert ended["quick"] < 2.5 < 3 <= ended["slow"]
    assert fresh.seen("oauth_token") == 1


async def test_the_account_asked_for_longest_ago_is_forgotten_beyond_the_bound(vault) -> None:
    accounts = ConnectedAccounts(vault, Klaviyo().endpoint, most_open=2)
    first, second = await accounts.find("first"), await accounts.find("second")
    assert await accounts.find("first") is first
    await accounts.find("third")
    assert await accounts.find("first") is first
    assert await accounts.find("second") is not second


async def test_a_call_under_way_goes_on_with_an_account_that_was_forgotten_meanwhile(vault) -> None:
    klaviyo = Klaviyo()
    accounts = ConnectedAccounts(vault, klaviyo.endpoint, most_open=1)
    answers: list[str] = []

    async def call(name: str) -> None:
        reply = await (await accounts.find(name)).client.send(GET, WaitBudget(1))
        answers.append(reply.document["asked"])

    async with anyio.create_task_group() as group:
        group.start_soon(call, "first")
        await anyio.wait_all_tasks_blocked()
        for name in ("second", "third", "first"):
            await accounts.find(name)
        klaviyo.open.set()
    await call("second")
    assert answers == ["Klaviyo-API-Key pk_first", "Klaviyo-API-Key pk_second"]


async def test_names_that_nobody_has_leave_nothing_behind(vault) -> None:
    accounts = ConnectedAccounts(vault, Klaviyo().endpoint, most_open=2)
    first = await accounts.find("first")
    for index in range(20):
        with pytest.raises(UnknownAccount):
            await accounts.find(f"nobody-{index}")
    assert await accounts.find("first") is first
