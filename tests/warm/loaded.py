"""The process that warm ones are forked from: loads the program, listens, and ends when its stdin does."""

import atexit
import gc
import importlib
import io
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TELEMETRY = ("OTEL_BSP_", "OTEL_EXPORTER_", "OTEL_METRICS_EXPORTER=", "OTEL_SDK_DISABLED=", "OTEL_TRACES_EXPORTER=")
OURS = ("KLAVIYO_", "PYTEST_", "SSL_CERT_", "HTTP_PROXY=", "HTTPS_PROXY=", "ALL_PROXY=", "NO_PROXY=", *TELEMETRY)
"""What may differ in a warm process's environment: it is read when needed. All else may have been while loading."""
LIBRARIES = (
    "anyio._backends._asyncio",
    "authlib.integrations.httpx_client",
    "email_validator",
    "filelock",
    "httpcore2",
    "jinja2",
    "jsonschema",
    "key_value.aio.stores.filetree",
    "key_value.aio.wrappers.encryption.fernet",
    "keyring",
    "mcp.server.lowlevel",
    "mcp.server.streamable_http_manager",
    "phonenumbers",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.h11_impl",
)
"""What the program loads in the middle of its work."""


def load() -> None:
    """Import what the program may, and load the actions; it must not begin a thread, which no fork would have."""
    gc.disable()
    import klaviyo_mcp

    # Adapters of frameworks are left to who has the framework: the program itself loads none.
    names = [found.name for found in pkgutil.walk_packages(klaviyo_mcp.__path__, "klaviyo_mcp.")]
    names = [name for name in names if not name.startswith("klaviyo_mcp.toolkit.frameworks.")]
    for name in (*LIBRARIES, *(name for name in names if name != "klaviyo_mcp.__main__")):
        importlib.import_module(name)
    # Half of what a call from the command line takes.
    klaviyo_mcp.registry.loading.load_catalogue()
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    assert "opentelemetry.sdk" not in sys.modules, "its variables are read while it is loaded"
    gc.freeze()
    gc.enable()


def forked(path: str) -> list[str]:
    """Fork a process for each that asks. Returns in such a process, with its arguments; ends when stdin is closed."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.write(1, b"loaded\n")
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            asking, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return watched(asking)
            asking.close()
    Path(path).unlink(missing_ok=True)
    os._exit(0)


def watched(asking: socket.socket) -> list[str]:
    """Be the process that was asked for; its parent tells how it ended, and ends it when the one who asked is gone."""
    size, streams, _, _ = socket.recv_fds(asking, 4, 3)
    request = asking.makefile("rb").read(int.from_bytes(size, "big")).decode(errors="surrogateescape")
    folder, count, *rest = request.split("\0")
    words, variables = rest[: int(count)], rest[int(count) :]
    if differing(variables):
        asking.sendall(b"cold\n")
        os._exit(0)
    process = os.fork()
    if process:
        for stream in streams:
            os.close(stream)
        with suppress(OSError):
            asking.sendall(b"pid %d\n" % process)
        ended = os.pidfd_open(process)
        if ended not in select.select([asking, ended], [], [])[0]:
            os.kill(process, signal.SIGKILL)
        with suppress(OSError):
            asking.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        os._exit(0)
    asking.close()
    become(folder, variables, streams)
    return words


def differing(variables: list[str]) -> bool:
    """Whether an environment differs from this one in more than what is read when the program runs."""
    here = {f"{name}={value}" for name, value in os.environ.items()}
    return any(not variable.upper().startswith(OURS) for variable in here.symmetric_difference(variables))


def become(folder: str, variables: list[str], streams: list[int]) -> None:
    """Take another process's folder, environment and streams."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variable.split("=", 1) for variable in variables)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        binary = os.fdopen(number, "wb" if number else "rb", closefd=False)
        lines = number == 2 or binary.isatty()
        made = io.TextIOWrapper(binary, old.encoding, old.errors, line_buffering=lines)
        made.mode = "w" if number else "r"
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)


def run(words: list[str]) -> None:
    """Be the program. Not to take all modules apart at the end, as the interpreter would, saves a third of its time."""
    code = 0

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    sys.argv = ["klaviyo_mcp", *words]
    LAST.append(end)
    try:
        runpy.run_module("klaviyo_mcp", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
        raise
    except BaseException:
        code = 1
        raise


LAST: list[Callable[[], None]] = []
"""Called after everything that was registered with atexit, whose order is from the last to the first."""

if __name__ == "__main__":
    atexit.register(lambda: [end() for end in LAST])
    load()
    run(forked(sys.argv[1]))
