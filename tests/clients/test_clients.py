"""The fastest clients make all their trips, and the conformance suite finds nothing new; `make clients` takes all."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.conftest import CERTIFICATES

HERE = Path(__file__).parent
CLIENTS = tomllib.loads((HERE / "clients.toml").read_text(encoding="utf-8"))
FAST = [name for name, client in CLIENTS.items() if client.get("fast")]


def run(*names: str) -> subprocess.CompletedProcess[str]:
    """The command behind `make clients`, which installs what is missing."""
    words = [sys.executable, str(HERE / "run.py"), *names]
    environment = {**os.environ, **CERTIFICATES}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=1_200, check=False)


@pytest.mark.parametrize("name", [*FAST, "conformance"])
def test_a_client_makes_all_trips_over_both_transports(name) -> None:
    done = run(name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout


def test_a_client_that_is_not_known_is_refused_with_those_that_are() -> None:
    done = run("crewai", "crewia")
    assert done.returncode == 2
    assert "crewia" in done.stdout
    assert "crewai, " in done.stdout


def test_every_driver_belongs_to_a_client_and_every_version_is_exact() -> None:
    drivers = {path.name for path in (HERE / "drivers").iterdir() if path.is_file()} - {"driving.py", "driving.mjs"}
    assert drivers == {client["driver"] for client in CLIENTS.values()}
    for client in CLIENTS.values():
        assert all("==" in package for package in client.get("python", []))
        assert all("@" in package[1:] for package in client.get("node", []))
