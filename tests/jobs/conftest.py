"""Jobs against a sandbox over HTTP, in processes of their own that can be killed, and a PostgreSQL for one test."""

import asyncio
import json
import os
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.warm import PROGRAM, kill

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

LONG = "KILLS" in os.environ
"""Whether jobs are killed for long, at KILLS random places each, as `make killed` does."""
KILLS = int(os.environ.get("KILLS", "1"))
HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}


@pytest.fixture(scope="session", autouse=True)
def _warm(warm: None) -> None:
    """Jobs load a whole second's worth more than servers."""


class Jobs:
    """The command line of jobs, with a home and a Klaviyo of its own; files lie in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self._started = url, folder, list[subprocess.Popen[str]]()
        self.environment = {
            **os.environ,
            "KLAVIYO_BASE_URL": url,
            "KLAVIYO_API_KEY": API_KEY,
            "KLAVIYO_COMPANY_ID": COMPANY_ID,
            "KLAVIYO_MCP_HOME": str(folder / "home"),
        }

    def start(
        self, *words: str, stdin: int = subprocess.DEVNULL, program: Sequence[str] = PROGRAM
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*program, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a test that failed has left: a worker would wait for its database for half an hour."""
        for process in self._started:
            kill(process)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def run(self, *words: str, code: int = 0, whole: bool = True) -> str:
        """What a command prints, on both streams or stdout alone; another exit code than `code` fails the test."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            kill(process)
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

    def kept(self) -> list[tuple[str, str, int]]:
        """Each job: its id, its state and how many chunks are kept, without the time that a command takes."""
        file = self.folder / "home" / "jobs" / "jobs.sqlite"
        query = "SELECT id, state, (SELECT count(*) FROM klaviyo_job_chunks WHERE job = id) FROM klaviyo_jobs"
        try:
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            with connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:  # not there yet
            return []


@dataclass
class Moment:
    """Something that happens at the request of this number that fits a pattern.

    It happens before the request gets through, or after that and before it is answered. The request or answer is
    lost then, if `act` says so. `instead` are the status and headers of an answer in place of all that.
    """

    pattern: str
    number: int
    before: bool
    act: Callable[[], bool]
    instead: tuple[int, dict[str, str]] | None = None


class Between:
    """Stands between a job and the sandbox, so that things happen exactly where a test wants them."""

    def __init__(self, app: Any) -> None:
        self._app, self._moments, self.seen = app, list[Moment](), list[str]()

    def at(self, pattern: str, act: Callable[[], bool], *, number: int = 1, before: bool = False) -> None:
        self._moments.append(Moment(pattern, number, before, act))

    def answer(self, pattern: str, status: int, **headers: str) -> None:
        """Have the next request that fits refused so."""
        self._moments.append(Moment(pattern, 1, True, lambda: True, (status, headers)))

    def clear(self) -> None:
        self._moments.clear()
        self.seen.clear()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        what = f"{scope.get('method')} {scope.get('path')}"
        if "/_sandbox" in what:
            return await self._app(scope, receive, send)
        self.seen.append(what)
        moment = self._due(what)
        if moment is None:
            return await self._app(scope, receive, send)
        if moment.instead is not None:
            return await _refused(send, *moment.instead)
        if moment.before and await asyncio.to_thread(moment.act):
            return None
        answer: list[Any] = []

        async def keep(message: Any) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        if moment.before or not await asyncio.to_thread(moment.act):
            for message in answer:
                await send(message)
        return None

    def _due(self, what: str) -> Moment | None:
        for moment in self._moments:
            if re.search(moment.pattern, what):
                moment.number -= 1
                if moment.number == 0:
                    self._moments.remove(moment)
                    return moment
        return None


async def _refused(send: Any, status: int, headers: dict[str, str]) -> None:
    """An answer as Klaviyo's, of one error."""
    error = {
        "status": status,
        "code": "throttled",
        "title": "Refused.",
        "detail": "Refused.",
        "source": {"pointer": "/"},
    }
    told = {
        "content-type": "application/vnd.api+json",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [(name.encode(), text.encode()) for name, text in told.items()]})
    await send({"type": "http.response.body", "body": json.dumps({"errors": [error]}).encode()})


@pytest.fixture
def between() -> Between:
    return Between(create_app(rate_limits=False, profiles=3, job_seconds=0.1))


@pytest.fixture
def klaviyo_url(between: Between) -> Iterator[str]:
    with serve(between) as url:  # pyright: ignore[reportArgumentType] - it is an app, too
        yield url


@pytest.fixture
def jobs(klaviyo_url: str, tmp_path: Path) -> Iterator[Jobs]:
    with closing(Jobs(klaviyo_url, tmp_path)) as found:
        yield found


class PostgresServer:
    """A PostgreSQL that can go away and come back, with what was kept in it."""

    def __init__(self, url: str, words: list[str], ready: list[str], quiet: dict[str, Any]) -> None:
        self.url = url
        self._words, self._ready, self._quiet = words, ready, quiet
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._words, **self._quiet)
        for _ in range(200):
            if subprocess.run(self._ready, check=False, **self._quiet).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not start")

    def stop(self) -> None:
        """At once, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(10)
            self._process = None


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> str:
    return postgres_server.url


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL on a free port; it does not run as root, so its files are its user's."""
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
    quiet: dict[str, Any] = {"user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([program / "initdb", "-D", data, "-U", "jobs", "--auth=trust", "-N"], check=True, **quiet)
    words = [program / "postgres", "-D", data, "-p", str(port), "-k", str(place), "-h", "127.0.0.1", "-F"]
    ready = [program / "pg_isready", "-p", str(port), "-h", "127.0.0.1"]
    server = PostgresServer(
        f"postgresql://jobs@127.0.0.1:{port}/postgres", [*map(str, words)], [*map(str, ready)], quiet
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)
