"""What holds for every test: no account of the person who runs them, one async backend, hypothesis, servers."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import uvicorn
from hypothesis import settings

for name in [name for name in os.environ if name.startswith("KLAVIYO_")]:
    del os.environ[name]

# No deadlines: they measure the machine, not the code. CI always draws the same examples, so a red run can be repeated.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does; session scope lets fixtures of any scope be async."""
    return "asyncio"


@pytest.fixture(scope="session")
def serving() -> Callable[[Any], AbstractContextManager[str]]:
    """`with serving(app) as url`: an ASGI app over real HTTP on a free port, in a thread."""

    @contextmanager
    def serve(app: Any) -> Iterator[str]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(5)

    return serve


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`command("call", "get_lists", KLAVIYO_API_KEY=…)`: the command line as its user runs it, in its own process."""

    def run(*words: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "klaviyo_mcp", *words],
            capture_output=True,
            text=True,
            timeout=60,
            input=stdin,
            env={**os.environ, **environment},
            check=False,
        )

    return run
