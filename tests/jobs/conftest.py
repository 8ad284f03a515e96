"""Jobs against a sandbox over HTTP, in processes of their own that can be killed, and a PostgreSQL for one test."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.warm import PROGRAM, kill

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}


@pytest.fixture(scope="session", autouse=True)
def _warm(warm: None) -> None:
    """Jobs load a whole second's worth more than servers."""


class Jobs:
    """The command line of jobs, with a home and a Klaviyo of its own; files lie in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.environment = {
            **os.environ,
            "KLAVIYO_BASE_URL": url,
            "KLAVIYO_API_KEY": API_KEY,
            "KLAVIYO_COMPANY_ID": COMPANY_ID,
            "KLAVIYO_MCP_HOME": str(folder / "home"),
        }

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, code: int = 0, whole: bool = True) -> str:
        """What a command prints, on both streams or stdout alone; another exit code than `code` fails the test."""
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        return out + err if whole else out

    def write(self, name: str, rows: list[dict[str, Any]]) -> str:
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return name

    def listed(self) -> list[dict[str, Any]]:
        """All jobs, the newest first."""
        return json.loads(self.run("jobs", "list", "--json", whole=False))

    def results(self, file: str) -> list[tuple[int, str]]:
        lines = (self.folder / f"{file}.report" / "result.jsonl").read_text().splitlines()
        return [(one["line"], one["result"]) for one in map(json.loads, lines)]

    def seen(self, method: str = "", after: int = 0) -> int:
        """How many requests of a method the sandbox has had since that number."""
        listed = httpx2.get(f"{self.url}/_sandbox/requests?after={after}").json()
        return sum(one["method"] == method or not method for one in listed)

    def last(self) -> int:
        listed = httpx2.get(f"{self.url}/_sandbox/requests?last=1").json()
        return listed[-1]["number"] if listed else 0

    def read(self, path: str) -> list[dict[str, Any]]:
        """All records of a collection."""
        found: list[dict[str, Any]] = []
        url: str | None = f"{self.url}{path}"
        while url:
            page = httpx2.get(url, headers=HEADERS).raise_for_status().json()
            found += page["data"]
            url = page["links"].get("next")
        return found

    def kill_after(self, process: subprocess.Popen[str], requests: int, since: int) -> bool:
        """Kill a process once the sandbox has had so many requests; False when it ended by itself before."""
        while process.poll() is None:
            if self.seen(after=since) >= requests:
                kill(process)
                process.communicate()
                return True
            time.sleep(0.005)
        process.communicate()
        return False


@pytest.fixture
def klaviyo_url() -> Iterator[str]:
    with serve(create_app(rate_limits=False, profiles=3, job_seconds=0.1)) as url:
        yield url


@pytest.fixture
def jobs(klaviyo_url: str, tmp_path: Path) -> Jobs:
    return Jobs(klaviyo_url, tmp_path)


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL on a free port; it does not run as root, so its files are its user's."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed, and in CI its tests must run")
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    user = "postgres" if os.geteuid() == 0 else None
    place = Path("/tmp") / f"klaviyo-pg-{os.getpid()}-{time.monotonic_ns()}"
    place.mkdir(mode=0o700)
    if user:
        os.chown(place, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, data = folders[-1], str(place / "data")
    quiet = {"user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([program / "initdb", "-D", data, "-U", "jobs", "--auth=trust", "-N"], check=True, **quiet)
    words = [program / "postgres", "-D", data, "-p", str(port), "-k", str(place), "-h", "127.0.0.1", "-F"]
    server = subprocess.Popen(words, **quiet)
    try:
        ready = [program / "pg_isready", "-p", str(port), "-h", "127.0.0.1"]
        for _ in range(200):
            if subprocess.run(ready, check=False, **quiet).returncode == 0:
                break
            time.sleep(0.05)
        yield f"postgresql://jobs@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(place, ignore_errors=True)
