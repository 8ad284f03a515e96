"""A sandbox over HTTP, for the tests of any project. It runs in a thread of the tests' own process."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from klaviyo_sandbox.app import create_app


@contextmanager
def serve(app: Starlette | None = None) -> Generator[str]:
    """A sandbox on a free port of this machine for as long as a `with` block lasts, which gets its URL.

    app: what `create_app` gives; a sandbox with its defaults when it is None
    """
    # The protocol is named because asyncio turns Nagle's algorithm off only then; with it every answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app or create_app(),
            log_config=None,  # what goes wrong is logged to whoever runs the tests
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            date_header=False,  # the sandbox dates its answers itself, by its own clock
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
