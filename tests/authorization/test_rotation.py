"""Refreshing at the same time on several instances, and dying in the middle of it: one pair, and no grant is lost."""

from typing import Any

import anyio
import pytest
from tests.authorization.driving import App, Person, Service, error_of

from klaviyo_mcp.accounts.stores import FileStore
from klaviyo_mcp.accounts.vault import open_vault


class Dying(FileStore):
    """A store of a process that dies at a write: nothing of it reaches the disk from there on."""

    writes_left: int | None = None

    def key_value(self) -> Any:
        return _Writes(self, super().key_value())


class Died(BaseException):
    """Nobody catches it, as nobody catches kill -9."""


class _Writes:
    def __init__(self, store: Dying, inner: Any) -> None:
        self._store = store
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def put(self, *words: Any, **more: Any) -> None:
        self._count()
        await self._inner.put(*words, **more)

    async def delete(self, *words: Any, **more: Any) -> Any:
        self._count()
        return await self._inner.delete(*words, **more)

    async def delete_many(self, *words: Any, **more: Any) -> Any:
        self._count()
        return await self._inner.delete_many(*words, **more)

    def _count(self) -> None:
        if self._store.writes_left is not None:
            if self._store.writes_left == 0:
                raise Died
            self._store.writes_left -= 1


async def alive(service: Service, tokens: list[dict[str, Any]]) -> int:
    """How many different refresh tokens are in force."""
    works = 0
    for token in {one["refresh_token"] for one in tokens}:
        reply = await App(service, tokens[0]["client"]).refresh(token)
        works += reply.status == 200
    return works


async def test_a16_twenty_callers_on_three_instances_get_one_pair_and_klaviyo_hears_nothing(
    redis_server, service, fresh
) -> None:
    vaults = [open_vault(None, url=redis_server.url, key=fresh.vault_key) for _ in range(3)]
    instances = [service.another(vault) for vault in vaults]
    app = App(instances[0], (await instances[0].register())["client_id"])
    tokens = await app.tokens()
    fresh.fail()
    replies: list[Any] = []

    async def caller(number: int) -> None:
        one = App(instances[number % 3], app.client_id)
        replies.append(await one.refresh(tokens["refresh_token"]))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(caller, number)
    assert {reply.status for reply in replies} == {200}
    pairs = {(reply.body["access_token"], reply.body["refresh_token"]) for reply in replies}
    assert len(pairs) == 1
    assert fresh.seen("*") == 0
    [(access, refresh)] = pairs
    assert all([await instance.server.verify(access) for instance in instances])
    assert (await app.refresh(refresh)).status == 200
    for vault in vaults:
        await vault.close()


async def test_the_same_on_files(service, app) -> None:
    tokens = await app.tokens()
    replies: list[Any] = []

    async def caller(one: App) -> None:
        replies.append(await one.refresh(tokens["refresh_token"]))

    other = service.another()
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(caller, App((service, other)[number % 2], app.client_id))
    assert len({reply.body["refresh_token"] for reply in replies}) == 1


async def test_one_code_at_many_instances_at_once_makes_at_most_one_pair(service, app) -> None:
    code = await app.code()
    replies: list[Any] = []

    async def caller(instance: Service) -> None:
        replies.append(await App(instance, app.client_id, verifier=app.verifier).exchange(code))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(caller, service.another())
    assert [reply.status for reply in replies].count(200) <= 1
    assert await service.vault.names() == [], "it came twice, so what it led to is gone"


@pytest.mark.parametrize("writes", range(5))
async def test_a40_a_death_during_a_refresh_loses_no_grant(tmp_path, service, app, writes) -> None:
    tokens = await app.tokens()
    dying = open_vault(tmp_path / "home")
    dying.store = Dying(tmp_path / "home")
    killed = App(service.another(dying), app.client_id)
    dying.store.writes_left = writes
    with pytest.raises(Died):
        await killed.refresh(tokens["refresh_token"])
    first = await app.refresh(tokens["refresh_token"])
    again = await app.refresh(tokens["refresh_token"])
    assert first.body["refresh_token"] == again.body["refresh_token"]
    assert (await app.refresh(first.body["refresh_token"])).status == 200


async def test_a40_a_death_after_the_refresh_is_answered_with_its_pair(tmp_path, service, app) -> None:
    tokens = await app.tokens()
    dying = open_vault(tmp_path / "home")
    dying.store = Dying(tmp_path / "home")
    dying.store.writes_left = 5
    done = await App(service.another(dying), app.client_id).refresh(tokens["refresh_token"])
    assert done.status == 200, "five writes are all there are"
    again = await app.refresh(tokens["refresh_token"])
    assert again.body["refresh_token"] == done.body["refresh_token"]


@pytest.mark.parametrize("writes", range(4))
async def test_a40_a_death_during_the_exchange_of_a_code_makes_no_second_pair(tmp_path, service, app, writes) -> None:
    code = await app.code()
    dying = open_vault(tmp_path / "home")
    dying.store = Dying(tmp_path / "home")
    dying.store.writes_left = writes
    killed = App(service.another(dying), app.client_id, verifier=app.verifier)
    with pytest.raises(Died):
        await killed.exchange(code)
    reply = await app.exchange(code)
    if writes == 0:
        assert reply.status == 200, "the code was not used up yet"
    else:
        assert error_of(reply) == "invalid_grant"
        assert await service.vault.names() == [], "what was half made is gone"
        assert await app.tokens(), "and the client connects anew"


@pytest.mark.parametrize("writes", range(6))
async def test_a40_a_death_while_connecting_costs_this_attempt_alone(tmp_path, service, app, writes) -> None:
    before = await app.tokens()
    person = Person(service)
    query = person.at_klaviyo(await person.answers(await person.sees(await service.server.authorize(app.query()))))
    dying = open_vault(tmp_path / "home")
    dying.store = Dying(tmp_path / "home")
    dying.store.writes_left = writes
    with pytest.raises(Died):
        await service.another(dying).server.callback(query, person.cookies)
    assert (await app.refresh(before["refresh_token"])).status == 200
    service.clock.pass_(4_000)
    await service.server.sweep()
    assert len(await service.vault.names()) == 1, "what was left behind is swept"
    assert await app.tokens()
