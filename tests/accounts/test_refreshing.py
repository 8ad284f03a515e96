"""Tokens are renewed before they expire, once for all, and no death of a process loses a grant. Real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.vault import open_vault

PROGRAM = Path(__file__).parent / "refreshing.py"
STEPS = ("before_lock", "locked", "before_request", "answered", "before_write", "before_rename", "written")


def start(place: str, go: Path, step: str = "", **environment: str) -> subprocess.Popen[str]:
    words = [sys.executable, str(PROGRAM), place, str(go), step]
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def run_together(count: int, place: str, go: Path, **environment: str) -> list[tuple[str, str]]:
    processes = [start(place, go, **environment) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    go.touch()
    ends = [process.communicate(timeout=60) for process in processes]
    for out, err in ends:
        assert "sEcReT" not in out + err
    return ends


async def test_eight_processes_at_once_refresh_once(vault, connect, age, fresh, tmp_path) -> None:
    await connect(vault)
    await age(vault, "juniper-pine")
    fresh.begin()
    ends = run_together(8, str(tmp_path / "home"), tmp_path / "go")
    assert ends == [("DEMO01\n", "")] * 8
    assert fresh.seen("oauth_token") == 1


async def test_eight_machines_on_one_redis_refresh_once(redis_server, connect, age, fresh, tmp_path) -> None:
    vault = open_vault(None, url=redis_server.url, key=fresh.vault_key)
    await connect(vault)
    await age(vault, "juniper-pine")
    fresh.begin()
    ends = run_together(8, redis_server.url, tmp_path / "go", VAULT_KEY=fresh.vault_key)
    assert ends == [("DEMO01\n", "")] * 8
    assert fresh.seen("oauth_token") == 1
    await vault.close()


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_that_is_killed_during_a_refresh_loses_nothing(
    vault, connect, age, read, step, tmp_path
) -> None:
    await connect(vault)
    await age(vault, "juniper-pine")
    (tmp_path / "go").touch()
    killed = start(str(tmp_path / "home"), tmp_path / "go", step)
    out, err = killed.communicate(timeout=60)
    assert killed.returncode == -9, (out, err)
    again = ConnectedAccounts(open_vault(tmp_path / "home"))
    assert await read(again) == "DEMO01"
    await age(vault, "juniper-pine")
    assert await read(again) == "DEMO01", "the refresh token that is in the vault now works too"
    await again.close()


@pytest.mark.parametrize("step", ["locked", "answered", "written"])
async def test_the_same_on_redis_where_the_lock_of_the_dead_ends_by_itself(
    redis_server, connect, age, read, fresh, step, tmp_path
) -> None:
    vault = open_vault(None, url=redis_server.url, key=fresh.vault_key)
    await connect(vault)
    await age(vault, "juniper-pine")
    (tmp_path / "go").touch()
    environment = {"VAULT_KEY": fresh.vault_key, "LOCK_LIFE": "1"}
    killed = start(redis_server.url, tmp_path / "go", step, **environment)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    again = ConnectedAccounts(vault)
    assert await read(again) == "DEMO01"
    await age(vault, "juniper-pine")
    assert await read(again) == "DEMO01"
    await again.close()
