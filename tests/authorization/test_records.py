"""What is kept is sealed, has a life, and trouble with the store is never taken for an answer about a token."""

import json

import pytest
from tests.authorization.driving import OWN_SECRET, App, Clock, error_of

from klaviyo_mcp.accounts.stores import FileStore, RedisStore
from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.token_text import new_token

KEY = "ab" * 32


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(tmp_path, clock) -> Records:
    return Records(FileStore(tmp_path / "home"), Sealing([OWN_SECRET]), clock)


async def test_a_record_lives_as_long_as_it_was_given(records, clock) -> None:
    assert await records.get("code", KEY) is None
    await records.put("code", KEY, {"a": "plain words"}, 60)
    await records.put("grants", KEY, {"b": 2}, None)
    assert await records.get_many("code", [KEY, "cd"]) == [{"a": "plain words"}, None]
    clock.pass_(60)
    assert await records.get("code", KEY) is None
    assert await records.get("grants", KEY) == {"b": 2}
    await records.delete("grants", KEY, "cd")
    assert await records.get("grants", KEY) is None


async def test_nothing_can_be_read_on_the_disk_or_moved_elsewhere(records, tmp_path) -> None:
    await records.put("at", KEY, {"account": "plain words"}, 60)
    [path] = tmp_path.rglob(f"{KEY}.json")
    assert "plain words" not in path.read_text()
    moved = path.parent.parent / "rt" / path.name
    await records.put("rt", "cd", {}, 60)
    moved.write_bytes(path.read_bytes())
    with pytest.raises(StoreAway):
        await records.get("rt", KEY)


async def test_another_secret_or_damage_is_trouble_and_not_nothing(records, tmp_path, clock) -> None:
    await records.put("at", KEY, {}, 60)
    with pytest.raises(StoreAway):
        await Records(records.store, Sealing(["x" * 32]), clock).get("at", KEY)
    [path] = tmp_path.rglob(f"{KEY}.json")
    path.write_text("{")
    with pytest.raises(StoreAway):
        await records.get("at", KEY)


async def test_files_whose_life_is_over_are_swept(records, tmp_path) -> None:
    await records.put("at", KEY, {}, 3600)
    await records.put("code", KEY, {}, 3600)
    [path] = (tmp_path / "home/vault/code").glob("*.json")
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "expires_at": "2020-01-01T00:00:00+00:00"}))
    await records.sweep()
    assert not path.exists()
    assert await records.get("at", KEY) == {}


@pytest.mark.parametrize("kind", ["files", "redis"])
async def test_registrations_are_sealed_anew_though_no_grant_names_them(kind, request, tmp_path, clock) -> None:
    store = FileStore(tmp_path / "home") if kind == "files" else RedisStore(request.getfixturevalue("redis_server").url)
    new = "n" * 32
    await Records(store, Sealing([OWN_SECRET]), clock).put("client", KEY, {"client_id": "x"}, 3600)
    after = Records(store, Sealing([new]), clock)
    with pytest.raises(StoreAway):
        await after.get("client", KEY)
    assert await after.reseal() == 1, "what it cannot open it leaves as it is"
    await Records(store, Sealing([new, OWN_SECRET]), clock).reseal()
    assert await after.get("client", KEY) == {"client_id": "x"}
    clock.pass_(3600)
    assert await after.get("client", KEY) is None, "its life is what it was"
    await store.close()


async def test_locks_on_files_are_few_and_exclude(records, tmp_path) -> None:
    for number in range(20):
        async with records.lock("code", f"ab{number:062x}"):
            pass
    assert [path.name for path in (tmp_path / "home/locks").glob("*.lock")] == ["code-ab.lock"]
    async with records.lock("code", KEY), records.lock("grant", KEY), records.lock("grants", KEY):
        pass
    with pytest.raises(ValueError, match="mine"):
        async with records.lock("code", KEY):
            raise ValueError("mine")


async def test_redis_has_the_documented_keys_and_lives(redis_server, clock) -> None:
    records = Records(RedisStore(redis_server.url), Sealing([OWN_SECRET]), clock)
    await records.put("at", KEY, {"a": "plain words"}, 60)
    await records.put("grants", KEY, {}, None)
    store = records.store
    assert isinstance(store, RedisStore)
    assert sorted(await store.client.keys("*")) == [f"klaviyo_mcp_at::{KEY}", f"klaviyo_mcp_grants::{KEY}"]
    assert 55 <= await store.client.ttl(f"klaviyo_mcp_at::{KEY}") <= 60
    assert await store.client.ttl(f"klaviyo_mcp_grants::{KEY}") == -1
    assert "plain words" not in await store.client.get(f"klaviyo_mcp_at::{KEY}")
    await store.close()


async def test_a38_redis_away_is_503_everywhere_and_old_tokens_work_afterwards(redis_server, service, fresh) -> None:
    vault = open_vault(None, url=redis_server.url, key=fresh.vault_key)
    ours = service.another(vault)
    app = App(ours, (await ours.register())["client_id"])
    tokens = await app.tokens()
    redis_server.stop()
    with pytest.raises(StoreAway):
        await ours.server.verify(tokens["access_token"])
    with pytest.raises(StoreAway):
        await ours.server.check()
    with pytest.raises(StoreAway):
        await ours.server.authorize(app.query())
    for reply in (
        await app.refresh(tokens["refresh_token"]),
        await app.exchange("kmc_x"),
        await app.post({"token": tokens["refresh_token"]}, ours.server.revoke),
        await ours.server.register(b'{"redirect_uris": ["http://localhost/"]}'),
    ):
        assert (reply.status, error_of(reply)) == (503, "temporarily_unavailable")
        assert int(reply.headers["Retry-After"]) > 0
    redis_server.start()
    assert await ours.server.verify(tokens["access_token"])
    assert (await app.refresh(tokens["refresh_token"])).status == 200
    await vault.close()


async def test_a19_junk_is_refused_without_a_look_at_the_store(redis_server, service, fresh) -> None:
    vault = open_vault(None, url=redis_server.url, key=fresh.vault_key)
    ours = service.another(vault)
    redis_server.stop()
    token = new_token("kma")
    for junk in (
        "",
        "x",
        token[:-1],
        token + "A",
        "kmr" + token[3:],
        token[:-1] + "\n",
        "x" * 10_000,
        "kma_" + "é" * 49,
    ):
        assert await ours.server.verify(junk) is None
    with pytest.raises(StoreAway):
        await ours.server.verify(token)
    await vault.close()
