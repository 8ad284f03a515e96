"""What holds for every test: no account of the person who runs them, one async backend, hypothesis, servers."""

import gc
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import settings

from klaviyo_mcp.accounts.vault import Vault, open_vault
from klaviyo_mcp.registry.registry import Registry

for name in [name for name in os.environ if name.startswith("KLAVIYO_")]:
    del os.environ[name]
# Nor is anything of theirs opened or changed: accounts are kept in a folder of the run, and no OS keyring is asked.
HOME = tempfile.TemporaryDirectory(prefix="klaviyo-mcp-tests-")
os.environ["KLAVIYO_MCP_HOME"] = str(Path(HOME.name) / "home")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
# Whoever makes a client of HTTP, as each question to a sandbox does, would read all certificates of a file for it, in
# 50 ms; in a folder one is looked up when it is needed, and what tests ask goes unencrypted.
os.environ.setdefault("SSL_CERT_DIR", ssl.get_default_verify_paths().capath or HOME.name)
if "SSL_CERT_FILE" in os.environ:
    os.environ["PYTEST_SSL_CERT_FILE"] = os.environ.pop("SSL_CERT_FILE")
CERTIFICATES = {name: os.environ[f"PYTEST_{name}"] for name in ["SSL_CERT_FILE"] if f"PYTEST_{name}" in os.environ}
"""For programs that reach the package index, which may be trusted by that file alone."""

# No deadlines: they measure the machine, not the code. CI always draws the same examples, so a red run can be repeated;
# more of them each time would find nothing new, and people who run the tests draw others.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, max_examples=60)
settings.load_profile("ci" if os.environ.get("CI") else "local")


SLOW = (
    "accounts/test_connections.py",
    "accounts/test_damage.py",
    "accounts/test_kept_apart.py",
    "accounts/test_never_mixed.py",
    "accounts/test_refreshing.py",
    "actions/test_preview_is_run.py",
    "actions/test_scarce_reads.py",
    "actions/test_suggestions.py",
    "answers/test_kept_answers.py",
    "answers/test_nothing_is_lost.py",
    "authorization/test_operating.py",
    "cli/",
    "clients/",
    "conformance/",
    "end_to_end/",
    "hosted/",
    "jobs/test_answer_lost.py",
    "jobs/test_at_once.py",
    "jobs/test_export_command.py",
    "jobs/test_import.py",
    "jobs/test_killed.py",
    "jobs/test_tools.py",
    "jobs/test_workers.py",
    "klaviyo/test_pacing.py",
    "mcp_server/test_connections.py",
    "mcp_server/test_converters.py",
    "mcp_server/test_several_accounts.py",
    "packages/",
    "klaviyo/test_retries.py",
    "registry/test_schema_form.py",
    "runtime/test_any_answer.py",
    "runtime/test_audit.py",
    "reports/",
    "sandbox/proof/",
    "sandbox/test_home_in_browser.py",
    "sandbox/test_oauth.py",
    "sandbox/test_openapi.py",
    "sandbox/test_serving.py",
    "sandbox/test_templates.py",
    "toolkit/",
    "website/test_recipes.py",
)
"""The slow lane, by measurement: folders and files that start processes and browsers, or call every action."""

WAITING = (
    "accounts/test_tokens.py",
    "accounts/test_vault.py",
    "actions/test_consequences.py",
    "actions/test_engine.py",
    "actions/test_every_precondition.py",
    "actions/test_gate.py",
    "actions/test_live_rules.py",
    "answers/test_clearing.py",
    "answers/test_long_records.py",
    "answers/test_notes.py",
    "answers/test_verify.py",
    "authorization/test_any_input.py",
    "authorization/test_any_order.py",
    "authorization/test_authorizing.py",
    "authorization/test_clients.py",
    "authorization/test_managing.py",
    "authorization/test_records.py",
    "authorization/test_rotation.py",
    "authorization/test_tokens.py",
    "authoring/test_draft.py",
    "authoring/test_rules.py",
    "klaviyo/test_interruption.py",
    "klaviyo/test_quota.py",
    "klaviyo/test_route.py",
    "klaviyo/test_shared_ledger.py",
    "registry/test_loading.py",
    "registry/test_portable.py",
    "sandbox/test_example.py",
    "sandbox/test_faults.py",
    "sandbox/test_reading.py",
    "sandbox/test_sending.py",
    "sandbox/test_snapshots.py",
    "sandbox/test_tags.py",
)
"""Slow as well, mostly since they wait, but much of what a room does is tried by them alone: coverage runs them too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make quick` leaves out what is marked as slow here, `make coverage` most of it, `make test` runs everything."""
    for item in items:
        if lies_in(item.path, SLOW + WAITING):
            item.add_marker(pytest.mark.slow)
        if lies_in(item.path, WAITING):
            item.add_marker(pytest.mark.waiting)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What will not run is not imported: that alone takes seconds in each process."""
    left_out = {"not slow": SLOW + WAITING, "not slow or waiting": SLOW}.get(config.option.markexpr, ())
    return True if lies_in(collection_path, left_out) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is there once all tests are collected stays: to look through it for garbage again and again takes long."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@cache
def lies_in(path: Path, places: tuple[str, ...]) -> bool:
    """Whether a file or folder is one of these, or in one."""
    return f"{os.path.relpath(path, Path(__file__).parent)}/".startswith(places)


MARK = "sEcReT"
"""Every secret of a test that handles some holds this, so that it can be found wherever it gets out."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Whatever a test emits is searched for secrets: output, logs, warnings, and the text of a failure."""
    report = yield
    emitted = [report.longreprtext, *(text for _, text in report.sections)]
    if any(MARK in text for text in emitted):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} has let out a secret ({call.when}); its output is left out here."
        report.sections = []
    return report


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does; session scope lets fixtures of any scope be async."""
    return "asyncio"


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The project's own actions."""
    from tests.catalogue import REGISTRY  # this file is also tried alone, elsewhere

    return REGISTRY


@pytest.fixture(scope="session")
def warm() -> Iterator[None]:
    """What begins with `tests.warm.PROGRAM` begins with everything loaded."""
    from tests.warm import begin_warm  # as above

    with begin_warm():
        yield


@pytest.fixture(scope="session")
def command(warm: None) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`command("call", "get_lists", KLAVIYO_API_KEY=…)`: the command line as its user runs it, in its own process."""
    from tests.warm import PROGRAM

    def run(
        *words: str, stdin: str | None = None, program: Sequence[str] = PROGRAM, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*program, *words],
            capture_output=True,
            text=True,
            timeout=60,
            input=stdin,
            env={**os.environ, **environment},
            check=False,
        )
        assert MARK not in done.stdout + done.stderr, "a secret was printed"
        return done

    return run


class Klaviyo:
    """A sandbox over HTTP whose every token, key and secret holds MARK."""

    COUNTED = ("oauth_token", "oauth_revoke", "*")
    client_id = "test-app"
    client_secret = f"{MARK}-client-secret"
    api_key = f"pk_sandbox_{MARK}"
    vault_key = f"{MARK}{'A' * 37}="

    def __init__(self, url: str) -> None:
        self.url = url
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.redirect_uri = f"http://127.0.0.1:{self.port}/callback"
        self._moved = False
        self._register()

    def _register(self) -> None:
        self.control(
            "oauth/apps", client_id=self.client_id, client_secret=self.client_secret, redirect_uris=[self.redirect_uri]
        )

    def begin(self) -> None:
        """No faults, consent by hand, and the right time: a clock that a test moved goes back with a reset alone."""
        if self._moved:
            self.control("reset")
            self._register()
            self._moved = False
        self.fail()
        self.control("oauth", auto_approve=False, company_id="DEMO01", access_token_seconds=3600)

    def control(self, path: str, given: Any = None, **fields: Any) -> Any:
        self._moved |= path == "clock"
        answer = httpx2.post(f"{self.url}/_sandbox/{path}", json=fields if given is None else given)
        assert answer.is_success, answer.text
        return answer.json()

    def fail(self, *faults: dict[str, Any]) -> None:
        """Put faults in force, and begin to count requests."""
        counting = [{"operation": name, "fault": "latency", "seconds": 0, "probability": 0} for name in self.COUNTED]
        self.control("faults", [*faults, *counting])

    def code(self, url: str, company: str = "DEMO01") -> str:
        """The code that a consent page would send back, given by itself."""
        self.control("oauth", auto_approve=True, company_id=company)
        return parse_qs(urlsplit(self.consented(url)).query)["code"][0]

    def consented(self, url: str) -> str:
        """Where the browser is sent from an address at which consent is given by itself."""
        parts = urlsplit(url)
        # A client that logs nothing: what it gets is a secret, and whoever watches the logs must not find it.
        browser = HTTPConnection(parts.netloc)
        browser.request("GET", f"{parts.path}?{parts.query}")
        answer = browser.getresponse()
        browser.close()
        assert answer.status == 303
        return answer.headers["Location"]

    def seen(self, operation: str) -> int:
        """How many requests there have been since `begin` or `fail`; "*" counts all."""
        listed = httpx2.get(f"{self.url}/_sandbox/faults").json()
        return listed[self.COUNTED.index(operation) - len(self.COUNTED)]["met"]

    def environment(self, home: Path) -> dict[str, str]:
        """The settings of a process that keeps its accounts in `home`."""
        return {
            "KLAVIYO_MCP_HOME": str(home),
            "KLAVIYO_BASE_URL": self.url,
            "KLAVIYO_OAUTH_BASE_URL": self.url,
            "KLAVIYO_CLIENT_ID": self.client_id,
            "KLAVIYO_CLIENT_SECRET": self.client_secret,
        }


@pytest.fixture(scope="session")
def klaviyo() -> Iterator[Klaviyo]:
    """A sandbox with an OAuth app, shared by the tests of a worker; see Klaviyo.begin."""
    from secrets import token_urlsafe

    from klaviyo_sandbox import COMPANY_ID, auth, create_app
    from klaviyo_sandbox.storage import grants
    from klaviyo_sandbox.testing import serve

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grants, "token_urlsafe", lambda size: f"{MARK}-{token_urlsafe(size)}")
        patch.setitem(auth.KEYS, Klaviyo.api_key, auth.Key(COMPANY_ID))
        with serve(create_app(rate_limits=False, profiles=3)) as url:
            yield Klaviyo(url)


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    """A vault of files in the test's own folder."""
    opened = open_vault(tmp_path / "home")
    yield opened
    await opened.close()


@pytest.fixture
def redis_server(tmp_path: Path) -> "Iterator[RedisServer]":
    """A Redis of the test's own on a free port."""
    with running_redis(tmp_path) as server:
        yield server


@contextmanager
def running_redis(folder: Path) -> "Iterator[RedisServer]":
    """A Redis on a free port that keeps its data in a folder."""
    server = RedisServer(_program("redis-server", "redis-server"), folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class RedisServer:
    """A Redis that can go away and come back, with what was kept in it."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._words = [program, "--port", str(self.port), "--dir", str(folder), "--appendonly", "yes"]
        self._words += ["--appendfsync", "always", "--bind", "127.0.0.1"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as probe, suppress(OSError):
                probe.settimeout(1)
                probe.connect(("127.0.0.1", self.port))
                probe.sendall(b"PING\r\n")
                if probe.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.05)
        self.stop()
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the system's Chromium is."""
    return _program("Chromium", "chromium", "chromium-browser", "google-chrome")


def _program(name: str, *words: str) -> str:
    """The path of a program. Without it the test is skipped; in CI, where it has to be there, that is a failure."""
    for word in words:
        if found := shutil.which(word):
            return found
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and in CI its tests must run")
    pytest.skip(f"{name} is not installed (Debian: apt install {words[0]})")
