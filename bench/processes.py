"""The processes that are measured and those beside them: their ports, how they begin and end, their memory."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def free_port() -> int:
    """One that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def listening(command: list[str], port: int, **more: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process, once it listens on the port; `more` is Popen's. It is terminated in the end."""
    with subprocess.Popen(command, **more) as process:
        try:
            wait_for(port)
            yield process
        finally:
            process.terminate()


@contextmanager
def redis_server(*words: str) -> Iterator[str]:
    """The URL of a Redis on a free port; `words` of its command line say what it keeps."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", *words]
    with listening(command, port, stdout=subprocess.DEVNULL):
        yield f"redis://127.0.0.1:{port}/0"


def clean_environment() -> dict[str, str]:
    """The environment without settings of klaviyo-mcp and of OpenTelemetry."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KLAVIYO_", "OTEL_"))}


def resident(process: subprocess.Popen[Any]) -> float:
    """The resident memory of a process in MB."""
    return _of_status(process.pid, "VmRSS")


def peak(pid: int | str) -> float:
    """The most MB that a process has had resident. What `getrusage` says begins with that of the parent."""
    return _of_status(pid, "VmHWM")


def _of_status(pid: int | str, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1]) / 1024


def wait_for(port: int) -> None:
    """Until something listens there. Raises TimeoutError after 20 s."""
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
