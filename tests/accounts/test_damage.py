"""A vault whose files are not what they should be, and disks that are full: one clear error, and the record intact."""

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.errors import CorruptRecord, VaultKeyMissing, VaultReadOnly
from klaviyo_mcp.accounts.records import ApiKey, Company, Connection, Secret
from klaviyo_mcp.accounts.vault import Vault, open_vault

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files as POSIX has them")


def connection(name: str = "acme") -> Connection:
    return Connection(name, Company(), "http://127.0.0.1:1", 1.0, ApiKey(Secret("pk_sandbox_x")))


async def kept(home: Path, *names: str) -> Vault:
    vault = open_vault(home)
    await vault.prepare()
    for name in names:
        await vault.write(connection(name))
    return vault


def as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_link(path: Path) -> None:
    path.rename(path.with_suffix(".away"))
    path.symlink_to(path.with_suffix(".away"))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_bomb(path: Path) -> None:
    path.write_text("[" * 100_000)


def as_inner_bomb(path: Path) -> None:
    path.write_text('{"value": ' + "[" * 100_000)


def as_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(80_000_000)


@pytest.mark.parametrize("damage", [as_fifo, as_link, as_folder, as_bomb, as_inner_bomb, as_huge])
async def test_a_record_that_is_none_is_told_by_name_and_the_others_are_used(tmp_path, damage) -> None:
    vault = await kept(tmp_path / "home", "acme", "other")
    damage(tmp_path / "home" / "vault" / "accounts" / "acme.json")
    with pytest.raises(CorruptRecord, match=r"'acme' cannot be read.*onnect"):
        await vault.read("acme")
    assert await vault.read("other") == connection("other")
    assert (await vault.rekey()).unreadable == ("acme",)


@pytest.mark.parametrize("damage", [as_fifo, as_link, as_folder, as_bomb])
def test_commands_tell_such_a_record_in_words(tmp_path, klaviyo, command, damage) -> None:
    anyio.run(kept, tmp_path, "acme", "other")
    damage(tmp_path / "vault" / "accounts" / "acme.json")
    settings = {"KLAVIYO_MCP_HOME": str(tmp_path), "KLAVIYO_BASE_URL": klaviyo.url}
    listed = command("accounts", **settings)
    assert listed.returncode == 1
    assert "'acme' cannot be read" in listed.stdout
    called = command("call", "get_lists", "--account", "acme", **settings)
    assert called.returncode == 1
    assert "'acme' cannot be read" in called.stderr
    assert "Nothing was sent" in called.stderr
    assert "Traceback" not in listed.stderr + called.stderr


async def test_facts_and_notes_that_are_no_files_do_no_harm(tmp_path) -> None:
    home = tmp_path / "home"
    vault = await kept(home, "acme")
    await vault.note("acme", {"seen": 1})
    as_fifo(home / "vault" / "facts" / "acme.json")
    as_fifo(home / "vault" / "accounts-info.json")
    again = open_vault(home)
    assert await again.facts("acme") == {}
    assert await again.read("acme") == connection()


async def test_a_key_file_that_is_none_is_told(tmp_path) -> None:
    home = tmp_path / "home"
    vault = await kept(home, "acme")
    as_fifo(home / "vault.key")
    with pytest.raises(VaultKeyMissing, match="is no plain file"):
        await vault.key_places()


def test_a_home_that_is_a_file_is_told(tmp_path, command) -> None:
    home = tmp_path / "home"
    home.write_text("x")
    for words in (("accounts",), ("call", "get_lists"), ("doctor",)):
        done = command(*words, KLAVIYO_MCP_HOME=str(home))
        assert done.returncode != 0
        assert "is no folder" in done.stdout + done.stderr
        assert "KLAVIYO_MCP_HOME" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


async def test_a_home_that_others_can_write_is_used_and_warned_of_once(tmp_path, caplog) -> None:
    home = tmp_path / "home"
    await kept(home, "acme")
    home.chmod(0o777)
    with caplog.at_level(logging.WARNING):
        vault = open_vault(home)
        assert await vault.read("acme") == connection()
        assert await vault.names() == ["acme"]
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "klaviyo_mcp"]
    assert f"chmod 700 {home}" in warning
    assert stat.S_IMODE(home.stat().st_mode) == 0o777


@pytest.fixture
def full(tmp_path) -> Iterator[Path]:
    """A folder on a file system of its own that can be filled; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", folder], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4_096)


async def test_a_full_disk_is_told_and_the_record_stays_as_it_was(full) -> None:
    home = full / "home"
    vault = await kept(home, "acme")
    key = (home / "vault.key").read_text()
    fill(full)
    large = Connection("acme", Company(name="x" * 20_000), "http://127.0.0.1:1", 1.0, ApiKey(Secret("pk_sandbox_x")))
    for change in (lambda: vault.write(large), lambda: vault.note("acme", {"a": "x" * 20_000}), vault.rekey):
        with pytest.raises(VaultReadOnly, match=r"cannot be written \(No space left on device\)") as told:
            await change()
        assert "KLAVIYO_MCP_HOME" in str(told.value.advice)
    assert await vault.read("acme") == connection()
    assert (home / "vault.key").read_text() == key
    (full / "fill").unlink()
    await vault.write(large)
    assert await vault.read("acme") == large
    left = [path.name for path in home.rglob("*") if path.name.startswith(".key") or path.suffix == ".tmp"]
    assert left == []


async def test_a_full_disk_while_a_token_is_renewed_loses_no_grant(full, connect, read, age, fresh) -> None:
    vault = open_vault(full / "home")
    name = (await connect(vault)).name
    await age(vault, name)
    aged = (await vault.read(name)).grant
    accounts = ConnectedAccounts(vault)
    fresh.begin()
    fill(full)
    for _ in range(2):
        with pytest.raises(VaultReadOnly, match="No space left on device"):
            await read(accounts)
    assert (await vault.read(name)).grant.refresh_token == aged.refresh_token
    (full / "fill").unlink()
    assert await read(accounts) == "DEMO01"
    await accounts.close()


def test_the_key_is_changed_while_other_processes_use_the_vault(tmp_path, klaviyo, command) -> None:
    klaviyo.begin()
    settings = klaviyo.environment(tmp_path)
    done = command("connect", "--api-key", "--name", "acme", stdin=f"{klaviyo.api_key}\n", **settings)
    assert done.returncode == 0, done.stderr
    with ThreadPoolExecutor(3) as others:
        changing = [others.submit(command, "accounts", "rekey", **settings) for _ in range(2)]
        calling = [others.submit(command, "call", "get_lists", **settings) for _ in range(6)]
        for one in [*changing, *calling]:
            assert one.result().returncode == 0, one.result().stderr
    assert command("accounts", **settings).returncode == 0
    assert "," not in (tmp_path / "vault.key").read_text()
