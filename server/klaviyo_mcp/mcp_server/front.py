"""The front of the server over stdio: reads and writes lines, and answers what needs nothing that is still loading.

A client that asks who is there has its answer some tens of milliseconds after the process began, although the SDK alone
takes ten times as long to load. Some clients give up after a second, and one of the modern era that does falls back to
`initialize` on the same connection: a `server/discover` is therefore answered here and never reaches the SDK, for which
it would settle the era for good. An `initialize` that was answered here is passed on, and the SDK's own answer dropped.

Reading is a thread of its own that blocks in the operating system and nowhere else, so that it holds nothing up, not
even the end of the process.
"""

import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.mcp_server import hello
from klaviyo_mcp.mcp_server.wire import INTERNAL_ERROR, INVALID_REQUEST, LONGEST_LINE, Unreadable, read_line

CHUNK = 65_536
MOST_WAITING = 1_000
"""Messages that are held until the server is ready; a client that sends more waits."""
LONGEST_FINISH = 630.0
"""Seconds that calls in flight have to end after the client closed stdin: the longest wait for quota, and a request."""


@cache
def stdio_front() -> "Front":
    """The one front of this process, which reads from the first time it is asked for."""
    return Front(*_claim_standard_streams())


class Front:
    """Messages between a client at two file descriptors and a server that may come later."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        """Reads `incoming` at once, in a thread."""
        self._incoming, self._outgoing = incoming, outgoing
        self._waiting: deque[JSON] = deque()
        self._open: set[Any] = set()
        """Ids of requests that were passed on and are not answered."""
        self._answered_here: set[Any] = set()
        """Ids of requests that are passed on although they are answered: the server's answers are dropped."""
        self._greeted = self._ended = self._gone = self._stopped = False
        self._listing: Callable[[], str] | None = None
        self._refusal: str | None = None
        self._wake: Callable[[], None] | None = None
        self._complain: Callable[[str], None] | None = None
        self._complaints: deque[str] = deque(maxlen=MOST_WAITING)
        self._writing = threading.Lock()
        self._changed = threading.Condition(threading.RLock())
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    # --- for the server

    def complain_to(self, complain: Callable[[str], None]) -> None:
        """Tell why lines are no messages, from now on and of those before, whose telling had to wait for the log."""
        with self._changed:
            self._complain = complain
            while self._complaints:
                complain(self._complaints.popleft())

    def offer(self, listing: Callable[[], str]) -> None:
        """From now on `tools/list` is answered here, with the JSON list that `listing` gives."""
        with self._changed:
            self._listing = listing
            mine = [message for message in self._waiting if self._is_for_listing(message)]
            for message in mine:
                self._waiting.remove(message)
        for message in mine:
            self._write(self._listed(message))
            self._settled(message["id"])

    def refuse(self, why: str) -> None:
        """The server cannot start: every request is answered with the reason."""
        with self._changed:
            self._refusal = why
            refused = [message for message in self._waiting if _is_request(message)]
            self._waiting.clear()
        for message in refused:
            self._write(self._refused(message))
            self._settled(message["id"])

    def attach(self, wake: Callable[[], None]) -> None:
        """The server is ready. `wake` is called, in any thread, when there is something to take or no more to come."""
        with self._changed:
            self._wake = wake
        wake()

    def take(self) -> JSON | None:
        """The next message for the server, None when there is none for now."""
        with self._changed:
            if not self._waiting:
                return None
            self._changed.notify_all()
            return self._waiting.popleft()

    def finish(self) -> None:
        """Take no more messages: what is being done may end, and then nothing is left to do."""
        with self._changed:
            self._stopped = True
        threading.Thread(target=self._finish, name="finish", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether nothing comes any more: the client closed its end and has all answers, or cannot be reached."""
        return self._gone or (self._ended and not self._waiting)

    def send(self, message: JSON) -> None:
        """A message of the server. Blocks while the client does not read; a client that is gone is told by `done`."""
        dropped = False
        if "method" not in message:
            with self._changed:
                dropped = message.get("id") in self._answered_here
                self._answered_here.discard(message.get("id"))
        if not dropped:
            self._write(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        if "method" not in message:
            self._settled(message.get("id"))

    def reject(self, message: JSON) -> None:
        """A message that the server cannot take for one."""
        if _is_request(message):
            self._write(_error(Unreadable(message["id"], INVALID_REQUEST, "this is no request of the protocol")))
            self._settled(message["id"])

    # --- for the client

    def _read(self) -> None:
        line, dropping = bytearray(), False
        while chunk := self._chunk():
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                line += end
                if not dropping:
                    self._on_line(bytes(line))
                line.clear()
                dropping = False
            if not dropping:
                line += rest
            if len(line) > LONGEST_LINE:
                self._on_line(bytes(line))
                line.clear()
                dropping = True
        self._on_line(bytes(line))
        self._finish()

    def _chunk(self) -> bytes:
        try:
            return os.read(self._incoming, CHUNK)
        except OSError:
            return b""

    def _finish(self) -> None:
        """The client has closed its end: what is being done for it may end, and then nothing is left to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._gone or not self._open, LONGEST_FINISH)
            self._ended = True
            if self._wake is not None:
                self._wake()

    def _on_line(self, line: bytes) -> None:
        if self._stopped:
            return
        found = read_line(line)
        if isinstance(found, list):
            for problem in found:
                self._tell(f"a line on stdin was no message: {problem.message}")
                self._write(_error(problem))
            return
        with self._changed:
            answer = self._answer(found) if _is_request(found) else None
            if answer is None or found["id"] in self._answered_here:
                self._keep(found)
        if answer is not None:
            self._write(answer)

    def _tell(self, complaint: str) -> None:
        with self._changed:
            if self._complain is not None:
                self._complain(complaint)
            else:
                self._complaints.append(complaint)

    def _answer(self, message: JSON) -> str | None:
        """What can be answered here. The server gets an `initialize` all the same, to know the client."""
        method, params = message["method"], mapping(message.get("params"))
        if method == "server/discover" and hello.is_modern(params):
            return _result(message, _text(hello.discovered()))
        if self._is_for_listing(message):
            return self._listed(message)
        if self._wake is not None:
            return None
        if method == "initialize" and not self._greeted and (result := hello.initialized(params)):
            self._answered_here.add(message["id"])
            return _result(message, _text(result))
        if method == "ping" and self._greeted:
            return _result(message, "{}")
        return self._refused(message) if self._refusal is not None else None

    def _keep(self, message: JSON) -> None:
        """For the server, now or when there is one."""
        if message.get("method") == "initialize":
            self._greeted = True
        elif message.get("method") == "notifications/cancelled":
            self._settled(mapping(message.get("params")).get("requestId"))
        if _is_request(message) and message["id"] not in self._answered_here:
            self._open.add(message["id"])
        self._changed.wait_for(lambda: self._gone or len(self._waiting) < MOST_WAITING)
        self._waiting.append(message)
        if self._wake is not None:
            self._wake()

    def _is_for_listing(self, message: JSON) -> bool:
        """Whether a message asks for the tools, from the start, as one of the eras does."""
        if self._listing is None or message.get("method") != "tools/list" or not _is_request(message):
            return False
        params = mapping(message.get("params"))
        asks = hello.is_modern(params) or (self._greeted and not hello.has_envelope(params))
        return asks and params.get("cursor") is None

    def _listed(self, message: JSON) -> str:
        tools = self._listing() if self._listing else "[]"
        modern = hello.modern(ttl_ms=hello.LISTING_TTL_MS) if hello.has_envelope(mapping(message.get("params"))) else {}
        more = "".join(f",{_text(name)}:{_text(value)}" for name, value in modern.items())
        return _result(message, f'{{"tools":{tools}{more}}}')

    def _refused(self, message: JSON) -> str:
        return _error(Unreadable(message["id"], INTERNAL_ERROR, f"klaviyo-mcp did not start: {self._refusal}"))

    def _settled(self, id_of_request: Any) -> None:
        with self._changed:
            self._open.discard(id_of_request)
            self._changed.notify_all()

    def _write(self, text: str) -> None:
        left = memoryview(f"{text}\n".encode())
        try:
            with self._writing:
                while left and not self._gone:
                    left = left[os.write(self._outgoing, left) :]
        except OSError:
            # The client has closed its end, which is its right: there is nobody to tell.
            with self._changed:
                self._gone = True
                self._changed.notify_all()
                if self._wake is not None:
                    self._wake()


def _is_request(message: JSON) -> bool:
    return "id" in message and "method" in message


def _result(message: JSON, result: str) -> str:
    return f'{{"jsonrpc":"2.0","id":{_text(message["id"])},"result":{result}}}'


def _error(problem: Unreadable) -> str:
    error = {"code": problem.code, "message": problem.message}
    return _text({"jsonrpc": "2.0", "id": problem.id, "error": error})


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _claim_standard_streams() -> tuple[int, int]:
    """Descriptors of our own for stdin and stdout; whatever else reads or prints from now on misses the wire."""
    incoming, outgoing = _duplicate(0), _duplicate(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(null, 1)
    os.close(null)
    return incoming, outgoing


if sys.platform == "win32":

    def _duplicate(descriptor: int) -> int:
        import msvcrt

        copy = os.dup(descriptor)
        msvcrt.setmode(copy, os.O_BINARY)
        return copy

else:

    def _duplicate(descriptor: int) -> int:
        """A copy that cannot take the place of a standard stream which the process was started without."""
        import fcntl

        try:
            return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
        except OSError:
            return fcntl.fcntl(os.open(os.devnull, os.O_RDWR), fcntl.F_DUPFD_CLOEXEC, 3)
