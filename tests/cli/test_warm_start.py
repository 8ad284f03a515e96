"""A process that begins warm is, for a test, the one that begins cold."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from tests.warm import COLD, PROGRAM, kill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all begin cold")


@pytest.mark.parametrize("words", [["nonsense"], ["actions", "show", "get_lists"], ["serve", "--port", "x"]])
def test_it_says_the_same_and_ends_the_same_way(command, words) -> None:
    warm, cold = command(*words), command(*words, program=COLD)
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)


def test_killed_it_is_gone_and_says_so(warm) -> None:
    words = [*PROGRAM, "serve", "--sandbox", "--transport", "http", "--port", "0"]
    with subprocess.Popen(words, env=dict(os.environ), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = next(int(found[1]) for line in process.stderr if (found := re.search(r"listening on \S+:(\d+)/", line)))
        kill(process)
    assert process.returncode == -signal.SIGKILL
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port))
