"""Stands for a warm process: hands it the streams, passes signals on, ends as it ends. Loads as little as can be."""

import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2)
KILL = signal.SIGUSR2


def main(path: str, words: list[str]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    answer = _asked(path, words)
    if answer is None or (line := answer.readline().split())[:1] != [b"pid"]:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        os.execv(sys.executable, [sys.executable, "-m", "klaviyo_mcp", *words])
    process = int(line[1])
    for number in PASSED_ON:
        signal.signal(number, lambda number, _: os.kill(process, signal.SIGKILL if number == KILL else number))
    # Whoever is at the other end must find them closed when the process closes its own.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    how = int(answer.readline())
    if how < 0:
        signal.signal(-how, signal.SIG_DFL) if -how != signal.SIGKILL else None
        os.kill(os.getpid(), -how)
    os._exit(how)


def _asked(path: str, words: list[str]):
    """The answer to the request for a process, to be read; None where nobody listens."""
    asking = socket.socket(socket.AF_UNIX)
    try:
        asking.connect(path)
    except OSError:
        return None
    # Loading pathlib would take as long as the rest.
    parts = [os.getcwd(), str(len(words)), *words, *(f"{name}={value}" for name, value in os.environ.items())]  # noqa: PTH109
    request = "\0".join(parts).encode(errors="surrogateescape")
    socket.send_fds(asking, [len(request).to_bytes(4, "big")], [0, 1, 2])
    asking.sendall(request)
    return asking.makefile("rb", 0)


main(sys.argv[1], sys.argv[2:])
