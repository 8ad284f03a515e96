"""`klaviyo-mcp` begun warm: forked from a process that has loaded everything, for a fifth of what loading costs.

`PROGRAM` stands in a command line where `python -m klaviyo_mcp` would. While `begin_warm` is in force it is a process
with the same arguments, environment, folder, streams and end. Where nothing listens, or the environment differs in more
than settings of this project, the program is begun the plain way. Left to `COLD` is whatever is about the start itself,
a terminal, or the process's memory, files and limits: of these it has others than the process that stands for it.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COLD = [sys.executable, "-m", "klaviyo_mcp"]
# One for each process of the tests, so that all that it has started ends with it. Unix sockets have short names.
_SOCKET = Path(tempfile.gettempdir()) / f"klaviyo-warm-{os.getpid()}"
KILL = signal.SIGUSR2
"""Passed on by the process that stands for a warm one as SIGKILL."""
_HERE = Path(__file__).parent
# The paths that the launcher needs none of cost a third of its start.
PROGRAM = [sys.executable, "-S", "-E", str(_HERE / "launcher.py"), str(_SOCKET)] if sys.platform == "linux" else COLD


@contextmanager
def begin_warm() -> Iterator[None]:
    """Load everything once, in a process that lives as long as this block."""
    if PROGRAM is COLD:
        yield
        return
    _SOCKET.unlink(missing_ok=True)
    words = [sys.executable, str(_HERE / "loaded.py"), str(_SOCKET)]
    # What C libraries have set in this process is not what its tests hand on.
    environment = dict(os.environ)
    with subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as loaded:
        assert loaded.stdin is not None
        assert loaded.stdout is not None
        try:
            assert loaded.stdout.readline() == b"loaded\n"
            yield
        finally:
            _SOCKET.unlink(missing_ok=True)
            loaded.stdin.close()


def kill(process: "subprocess.Popen[Any]") -> None:
    """kill -9, warm or cold. Returns when the process has ended, also the warm one that another stands for."""
    if process.args[: len(PROGRAM)] == PROGRAM:
        process.send_signal(KILL)
        process.wait()
    process.kill()
    process.wait()
