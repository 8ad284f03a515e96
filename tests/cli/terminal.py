"""A program in a terminal of its own: what it shows is read, and keys are pressed."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from fcntl import ioctl
from struct import pack
from termios import TIOCSCTTY, TIOCSWINSZ

ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-_])")
LONGEST = 60.0
"""Seconds that may pass until something is shown."""
CTRL_C = "\x03"


class Terminal:
    """One program, with 80 columns unless said otherwise."""

    def __init__(self, words: Sequence[str], columns: int = 80, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "PAGER": "cat", **environment}
        # The child makes the terminal its own, so that keys become signals, which it heeds as a shell's children do:
        # whoever runs the tests may not.
        begin = (
            "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
            "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
        )
        assert TIOCSCTTY
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", begin, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self._shown = ""

    def read(self, until: str) -> str:
        """What is shown up to a text, without colours and moves of the cursor."""
        ends = time.monotonic() + LONGEST
        while until not in (plain := ESCAPE.sub("", self._shown)):
            if time.monotonic() > ends or not self._more(1):
                raise AssertionError(f"{until!r} was not shown, but {plain[-2000:]!r}")
        self._shown = plain[plain.index(until) + len(until) :]
        return plain[: plain.index(until) + len(until)]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C, and what `end` gives.

        Once more after some seconds: Python heeds one that comes just before it waits for a line with the next key.
        """
        for _ in range(5):
            self.type(CTRL_C)
            ends = time.monotonic() + 4
            while time.monotonic() < ends and self._more(0.2):
                pass
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                break
        return self.end()

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it showed last, colours and all."""
        ends = time.monotonic() + LONGEST
        while time.monotonic() < ends and self._more(0.2):
            pass
        code = self.process.wait(10)
        os.close(self._ours)
        return code, self._shown

    def _more(self, seconds: float) -> bool:
        """Read more; False when the program is at its end."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return self.process.poll() is None
        try:
            read = os.read(self._ours, 65_536)
        except OSError:
            return False
        self._shown += read.decode("utf-8", "replace")
        return bool(read)
