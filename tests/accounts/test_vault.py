"""The vault: sealed records in files or Redis, keys from three places, and what happens when something is broken."""

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import anyio
import keyring
import pytest
from keyring.backend import KeyringBackend

from klaviyo_mcp.accounts import records
from klaviyo_mcp.accounts.errors import CorruptRecord, VaultKeyMissing, VaultReadOnly, VaultUnavailable
from klaviyo_mcp.accounts.keys import VaultKeys, new_key
from klaviyo_mcp.accounts.records import ApiKey, Company, Connection, Secret
from klaviyo_mcp.accounts.vault import open_vault

KEY = "pk_sEcReT_key"


def connection(name: str = "acme", key: str = KEY) -> Connection:
    return Connection(name, Company("ABC123", "Acme", True), "https://a.klaviyo.com", 1.0, ApiKey(Secret(key)))


async def keep(vault, *names: str) -> None:
    for name in names:
        async with vault.lock(), vault.lock(name):
            await vault.write(connection(name))


class Ring(KeyringBackend):
    """A keyring that keeps what it is given."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    mine = Ring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


async def test_a_connection_comes_out_as_it_went_in(vault) -> None:
    await keep(vault, "acme", "beta")
    assert await vault.read("acme") == connection()
    assert await vault.names() == ["acme", "beta"]
    assert await vault.read("gamma") is None


async def test_an_empty_vault_is_read_without_making_anything(vault, tmp_path) -> None:
    assert await vault.names() == []
    assert await vault.read("acme") is None
    assert await vault.default() is None
    assert not (tmp_path / "home").exists()


async def test_files_are_for_their_owner_alone_and_hold_nothing_readable(vault, tmp_path) -> None:
    await keep(vault, "acme")
    await vault.note("acme", {"last_used": 1})
    found = list((tmp_path / "home").rglob("*"))
    assert len(found) > 6
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()
            assert b"ABC123" not in path.read_bytes()


async def test_the_keyring_comes_before_the_setting_and_the_setting_before_a_file(ring, tmp_path) -> None:
    home, setting = tmp_path / "home", new_key()
    only_file = open_vault(home)
    keyring.set_keyring(keyring.backends.fail.Keyring())
    await keep(only_file, "acme")
    assert await only_file.key_places() == [str(home / "vault.key")]
    with_setting = open_vault(home, key=setting)
    assert await with_setting.key_places() == ["KLAVIYO_MCP_VAULT_KEY", str(home / "vault.key")]
    keyring.set_keyring(ring)
    ring.set_password("klaviyo-mcp", str(home), new_key())
    every = open_vault(home, key=setting)
    assert (await every.key_places())[0] == "the OS keyring"
    assert await every.read("acme") == connection()


async def test_a_new_vault_has_its_key_in_the_keyring_where_there_is_one(ring, vault, tmp_path) -> None:
    await keep(vault, "acme")
    assert await vault.key_places() == ["the OS keyring"]
    assert not (tmp_path / "home" / "vault.key").exists()


def test_of_those_who_make_a_key_at_once_all_seal_with_the_same(tmp_path) -> None:
    """Each keeps what it opens with, as a process does."""
    for home in (tmp_path / f"home-{number}" for number in range(5)):
        together = Barrier(8)

        def sealed(home: Path, together: Barrier) -> bytes:
            keys = VaultKeys(home, None)
            together.wait()
            keys.ensure()
            opener = keys.opener()
            assert opener is not None
            return opener.encrypt(b"a row")

        with ThreadPoolExecutor(8) as pool:
            texts = [one.result() for one in [pool.submit(sealed, home, together) for _ in range(8)]]
        opener = VaultKeys(home, None).opener()
        assert opener is not None
        assert {opener.decrypt(text) for text in texts} == {b"a row"}


async def test_a_key_from_the_setting_leaves_no_key_behind(tmp_path, klaviyo) -> None:
    vault = open_vault(tmp_path, key=klaviyo.vault_key)
    await keep(vault, "acme")
    assert await open_vault(tmp_path, key=klaviyo.vault_key).read("acme") == connection()
    assert not (tmp_path / "vault.key").exists()
    with pytest.raises(VaultKeyMissing, match="no key to open it"):
        await open_vault(tmp_path).read("acme")


@pytest.mark.parametrize("key", ["short", "sEcReT but not a key", base64.b64encode(b"x" * 31).decode()])
async def test_a_key_that_is_none_is_refused_without_being_quoted(tmp_path, key) -> None:
    with pytest.raises(VaultKeyMissing) as error:
        await keep(open_vault(tmp_path, key=key), "acme")
    assert key not in str(error.value)
    assert "openssl rand -base64 32" in str(error.value)


async def test_a_key_as_openssl_makes_it_is_taken(tmp_path) -> None:
    key = base64.b64encode(b"\xfb\xff" * 16).decode()
    assert "+" in key or "/" in key
    await keep(open_vault(tmp_path, key=key), "acme")
    assert await open_vault(tmp_path, key=key).read("acme") == connection()


async def test_a_key_file_that_others_can_read_is_refused(vault, tmp_path) -> None:
    await keep(vault, "acme")
    (tmp_path / "home" / "vault.key").chmod(0o644)
    with pytest.raises(VaultKeyMissing, match="chmod 600"):
        await open_vault(tmp_path / "home").read("acme")


DAMAGE = {
    "not JSON": lambda text: text[: len(text) // 2],
    "not text": lambda text: "\x00\x01",
    "another seal": lambda text: text.replace('"Z0', '"Z1') if '"Z0' in text else text.replace("gAAAAA", "gAAAAB"),
    "not sealed": lambda text: json.dumps({"value": {"version": 1, "name": "acme"}}),
    "empty": lambda text: "",
    "a list": lambda text: "[]",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_damaged_record_is_told_by_name_and_leaves_the_others_usable(vault, tmp_path, damage) -> None:
    await keep(vault, "acme", "beta")
    path = tmp_path / "home" / "vault" / "accounts" / "acme.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(CorruptRecord, match=r"'acme'.*klaviyo-mcp connect --name acme"):
        await vault.read("acme")
    assert await vault.names() == ["acme", "beta"]
    assert await vault.read("beta") == connection("beta")


async def test_a_record_in_another_ones_place_does_not_pass_for_it(vault, tmp_path) -> None:
    await keep(vault, "acme", "beta")
    folder = tmp_path / "home" / "vault" / "accounts"
    (folder / "acme.json").write_text((folder / "beta.json").read_text())
    with pytest.raises(CorruptRecord, match="another name"):
        await vault.read("acme")


async def test_a_record_of_a_newer_version_is_refused_and_an_older_one_is_brought_up(vault, monkeypatch) -> None:
    await keep(vault, "acme")
    monkeypatch.setattr(records, "VERSION", 3)
    monkeypatch.setitem(records.STEPS, 1, lambda record: {**record, "version": 2, "base_url": "https://two"})
    monkeypatch.setitem(records.STEPS, 2, lambda record: {**record, "version": 3})
    found = await vault.read("acme")
    assert found.base_url == "https://two"
    await keep(vault, "beta")
    monkeypatch.setattr(records, "VERSION", 1)
    with pytest.raises(CorruptRecord, match="newer klaviyo-mcp"):
        await vault.read("beta")


async def test_a_new_key_seals_everything_and_the_old_one_opens_nothing_any_more(vault, tmp_path) -> None:
    await keep(vault, "acme", "beta")
    await vault.choose_default("beta")
    old = (tmp_path / "home" / "vault.key").read_text()
    running = open_vault(tmp_path / "home")
    assert await running.read("acme") == connection()
    done = await vault.rekey()
    assert done.renewed == ("acme", "beta")
    assert (tmp_path / "home" / "vault.key").read_text() != old
    assert await running.read("acme") == connection(), "a running process takes up the new key"
    assert await vault.default() == "beta"
    (tmp_path / "home" / "vault.key").write_text(old)
    with pytest.raises(CorruptRecord):
        await open_vault(tmp_path / "home").read("acme")


async def test_a_change_of_the_key_that_broke_off_can_be_repeated(vault, tmp_path, monkeypatch) -> None:
    await keep(vault, "acme", "beta", "gamma")
    write = vault.write

    async def breaks(connection) -> None:
        if connection.name == "beta":
            raise VaultUnavailable("gone")
        await write(connection)

    monkeypatch.setattr(vault, "write", breaks)
    with pytest.raises(VaultUnavailable):
        await vault.rekey()
    other = open_vault(tmp_path / "home")
    for name in ("acme", "beta", "gamma"):
        assert await other.read(name) == connection(name)
    assert (await other.rekey()).renewed == ("acme", "beta", "gamma")
    assert (tmp_path / "home" / "vault.key").read_text().count(",") == 0


async def test_a_damaged_record_keeps_the_old_key_while_the_others_get_a_new_one(vault, tmp_path) -> None:
    await keep(vault, "acme", "beta")
    path = tmp_path / "home" / "vault" / "accounts" / "acme.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    done = await vault.rekey()
    assert (done.renewed, done.unreadable) == (("beta",), ("acme",))
    path.write_text(whole)
    assert await vault.read("acme") == connection("acme")


async def test_a_key_from_the_setting_is_changed_by_naming_the_new_one_first(tmp_path) -> None:
    old, new = new_key(), new_key()
    await keep(open_vault(tmp_path, key=old), "acme")
    assert (await open_vault(tmp_path, key=f"{new},{old}").rekey()).renewed == ("acme",)
    assert await open_vault(tmp_path, key=new).read("acme") == connection()


async def test_a_moved_folder_still_opens(vault, tmp_path) -> None:
    await keep(vault, "acme")
    await vault.close()
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    assert await open_vault(tmp_path / "elsewhere").read("acme") == connection()


async def test_one_holds_a_lock_at_a_time(vault, tmp_path) -> None:
    held = most = 0

    async def hold(own) -> None:
        nonlocal held, most
        async with own.lock("acme"):
            held += 1
            most = max(most, held)
            await anyio.sleep(0.01)
            held -= 1

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(hold, vault)
            group.start_soon(hold, open_vault(tmp_path / "home"))
    assert most == 1


async def test_redis_keeps_records_for_several_machines(redis_server, klaviyo) -> None:
    one, two = (open_vault(None, url=redis_server.url, key=klaviyo.vault_key) for _ in range(2))
    await keep(one, "acme", "beta")
    await one.choose_default("beta")
    assert await two.names() == ["acme", "beta"]
    assert await two.read("acme") == connection()
    assert await two.default() == "beta"
    raw = await one.store.client.get("klaviyo_mcp_accounts::acme")
    assert "ABC123" not in raw
    await one.store.client.set("klaviyo_mcp_accounts::acme", "half a rec")
    with pytest.raises(CorruptRecord, match="'acme'"):
        await two.read("acme")
    assert await two.read("beta") == connection("beta")
    await one.close()
    await two.close()


async def test_a_vault_on_redis_says_that_its_key_must_be_shared(redis_server) -> None:
    vault = open_vault(None, url=redis_server.url)
    with pytest.raises(VaultKeyMissing, match="KLAVIYO_MCP_VAULT_KEY"):
        await vault.prepare()
    await vault.close()


async def test_redis_may_go_away_and_come_back(redis_server, klaviyo) -> None:
    vault = open_vault(None, url=redis_server.url, key=klaviyo.vault_key)
    await keep(vault, "acme")
    redis_server.stop()
    for use in (lambda: vault.read("acme"), vault.names, lambda: keep(vault, "beta")):
        with pytest.raises(VaultUnavailable, match=r"Redis at 127.0.0.1:\d+ cannot be reached"):
            await use()
    redis_server.start()
    assert await vault.read("acme") == connection()
    await keep(vault, "beta")
    assert await vault.names() == ["acme", "beta"]
    await vault.close()


async def test_a_password_in_the_url_of_redis_is_shown_nowhere() -> None:
    vault = open_vault(None, url="redis://:sEcReT@127.0.0.1:1/0", key=new_key())
    with pytest.raises(VaultUnavailable) as error:
        await vault.names()
    for text in (vault.place, repr(vault.store), str(error.value)):
        assert "sEcReT" not in text
    await vault.close()


@pytest.mark.parametrize("home", ["file", "file/home"])
async def test_a_folder_that_cannot_be_written_is_told_with_ways_out(tmp_path, home: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultReadOnly) as error:
        await open_vault(tmp_path / home).prepare()
    assert str(tmp_path) in str(error.value)


def test_no_secret_is_in_a_repr_or_a_record_error() -> None:
    assert "sEcReT" not in repr(connection())
    assert "sEcReT" not in str(connection())
    with pytest.raises(records.InvalidRecord) as error:
        records.unsealed("acme", {"version": 1, "name": "acme", "way": {"kind": "api_key", "token": KEY}})
    assert "sEcReT" not in str(error.value)


def test_a_record_of_the_first_version_is_read_and_written_as_it_was() -> None:
    grant = {
        "client_id": "app",
        "client_secret": "sEcReT-client",
        "token_url": "https://k/oauth/token",
        "revoke_url": "https://k/oauth/revoke",
        "scopes": ["accounts:read"],
        "access_token": "sEcReT-access",
        "refresh_token": "sEcReT-refresh",
        "expires_at": 3600.0,
        "refreshed_at": 0.0,
        "reconnect": None,
        "failed_at": None,
        "failure": None,
        "kind": "oauth",
    }
    for way in (grant, {"key": KEY, "kind": "api_key"}):
        kept = {
            "version": 1,
            "name": "acme",
            "company": {"account_id": "AB1", "name": "Acme", "test_account": False},
            "base_url": "https://a.klaviyo.com",
            "connected_at": 1.0,
            "way": way,
        }
        read = records.unsealed("acme", kept)
        assert read.credentials.kind == way["kind"]
        again = records.sealed(read)
        assert {**again, "way": {**again["way"], "scopes": ["accounts:read"]}} == {
            **kept,
            "way": {**way, "scopes": ["accounts:read"]},
        }
