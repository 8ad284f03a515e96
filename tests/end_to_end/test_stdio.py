"""The server over stdio as a process: what it says early, and that nothing on the pipes breaks or silences it."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.conftest import HELLO
from tests.warm import COLD, PROGRAM

SERVE = ["serve", "--expose", "all"]
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
}
CREATE = b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"create_list","arguments":{"name":"%s"}}}'
LISTS = {"name": "get_lists", "arguments": {"page_size": 1}}


class Running:
    """A server process, spoken to line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, *messages: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def call(self, id_of_request: Any, tool: str = "get_lists", /, **arguments: Any) -> dict[str, Any]:
        params = {"name": tool, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": id_of_request, "method": "tools/call", "params": params})
        return self.answer()

    def end(self) -> tuple[bytes, str, int]:
        """What was still said on stdout and stderr, and the exit code, after the client has closed stdin."""
        out, complaints = self.process.communicate(timeout=30)
        return out, complaints.decode(), self.process.returncode


@pytest.fixture
def server(environment: dict[str, str]) -> Callable[..., Any]:
    """`with server("--read-only", NAME="value") as running`: a process of its own."""

    @contextmanager
    def run(*flags: str, program: Sequence[str] = COLD, **more: str) -> Iterator[Running]:
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*program, *SERVE, *flags], stdin=pipe, stdout=pipe, stderr=pipe, env={**environment, **more}
        ) as process:
            try:
                yield Running(process)
            finally:
                process.kill()

    return run


def test_a_client_that_falls_back_from_discover_to_initialize_is_served(server) -> None:
    with server() as running:
        discover = {"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": ENVELOPE}}
        running.send(discover, HELLO, READY, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
        answers = [running.answer() for _ in range(3)]
        assert [answer["id"] for answer in answers] == [0, 1, 2]
        assert answers[0]["result"]["supportedVersions"] == ["2026-07-28"]
        assert answers[1]["result"]["protocolVersion"] == "2025-11-25"
        assert len(answers[2]["result"]["tools"]) > 300
        assert running.call(3, page_size=1)["result"]["structuredContent"]["count"] == 1
        running.send(discover)
        assert running.answer()["result"]["supportedVersions"] == ["2026-07-28"]


def test_what_was_asked_before_the_server_was_ready_is_answered_in_full(server) -> None:
    with server() as running:
        calls = [{"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": LISTS} for n in range(10, 15)]
        running.send(HELLO, READY, {"jsonrpc": "2.0", "id": 2, "method": "ping"}, *calls)
        out, complaints, code = running.end()
    answers = {answer["id"]: answer for answer in map(json.loads, out.splitlines())}
    assert answers.keys() == {1, 2, *range(10, 15)}
    assert all(answers[n]["result"]["structuredContent"]["count"] == 1 for n in range(10, 15))
    assert (complaints, code) == ("", 0)


@pytest.mark.parametrize(
    ("line", "given"),
    [
        (CREATE % rb"x\ud83d", 5),
        (CREATE % b"caf\xe9", 5),
        (b'{"jsonrpc":"2.0","id":"deep","method":"x","params":{"a":' + b"[" * 9_999 + b"]" * 9_999 + b"}}", "deep"),
        (b'[{"jsonrpc":"2.0","id":5,"method":"ping"}]', 5),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5),
        (b'{"id":5,"method":"ping"}', 5),
        (b"garbage", None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_a_line_that_is_no_message_is_answered_and_logged_and_the_next_one_is_served(server, line, given) -> None:
    with server() as running:
        running.send(line)
        early = running.answer()
        running.send(HELLO, READY)
        running.answer()
        assert running.call(2, page_size=1)["result"]["structuredContent"]["count"] == 1
        running.send(line)
        late = running.answer()
        _, complaints, code = running.end()
    assert early == late
    assert early["id"] == given
    assert early["error"]["code"] in (-32700, -32600, -32602)
    assert complaints.count("a line on stdin was no message") == 2
    assert "Traceback" not in complaints
    assert code == 0


@pytest.mark.parametrize("depth", [150, 260, 800, 3_000])
def test_a_request_is_answered_however_deep_its_arguments_are(server, depth) -> None:
    with server(program=PROGRAM) as running:
        running.send(HELLO, READY)
        running.answer()
        params = '{"name":"update_profile","arguments":{"id":"01HZ0000000000000000000001","properties":{"tree":%s}}}'
        deep = params % ("[" * depth + "]" * depth)
        running.send(b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":%s}' % deep.encode())
        answer = running.answer()
        assert answer["id"] == 2
        assert "error" in answer or answer["result"]["isError"]
        assert running.call(3)["id"] == 3


def test_text_arrives_as_it_was_sent(server) -> None:
    with server() as running:
        running.send(b"\xef\xbb\xbf" + json.dumps(HELLO).encode(), READY)
        running.answer()
        name = "Bücher 漢字 🎉 \u2028 \u0000 x"
        made = running.call(2, "create_list", name=name)["result"]["structuredContent"]["record"]
        assert made["name"] == name


def test_a_call_in_flight_is_answered_after_the_client_closed_stdin(server) -> None:
    with server() as running:
        running.send(HELLO, READY)
        running.answer()
        params = {"name": "create_list", "arguments": {"name": "Last words"}}
        running.send({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
        out, complaints, code = running.end()
    assert json.loads(out)["result"]["structuredContent"]["record"]["name"] == "Last words"
    assert (complaints, code) == ("", 0)


@pytest.mark.parametrize("early", [True, False])
def test_a_closed_stdout_ends_the_server_without_a_traceback(server, early) -> None:
    with server() as running:
        if not early:
            running.send(HELLO, READY)
            running.answer()
            running.call(2)
        running.process.stdout.close()
        running.send(HELLO, {"jsonrpc": "2.0", "id": 3, "method": "tools/list"})
        code = running.process.wait(20)
        assert running.process.stderr.read() == b""
    assert code == 0


def wait_while_loading(pid: int) -> None:
    """Into the middle of loading: by the work that was done, as a busy machine may not have begun after any time."""
    stat, deadline = Path(f"/proc/{pid}/stat"), time.monotonic() + 20
    while stat.exists() and time.monotonic() < deadline:  # elsewhere than on Linux it has begun, at least
        worked = sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        if worked >= 0.15:
            return
        time.sleep(0.005)


@pytest.mark.parametrize("moment", ["loading", "idle", "in a call"])
def test_one_ctrl_c_in_a_terminal_ends_the_server_at_once_and_quietly(environment, moment) -> None:
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [*COLD, *SERVE],
        stdin=end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        os.write(terminal, json.dumps(HELLO).encode() + b"\n" + json.dumps(READY).encode() + b"\n")
        process.stdout.readline()  # of the front: all else is still to be loaded
        call = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": LISTS}).encode() + b"\n"
        if moment == "loading":
            wait_while_loading(process.pid)
        else:
            os.write(terminal, call)
            process.stdout.readline()
        if moment == "in a call":
            os.write(terminal, call)
        process.send_signal(signal.SIGINT)
        try:
            out, complaints = process.communicate(timeout=10)
        finally:
            process.kill()
            os.close(terminal)
            os.close(end)
    assert complaints == b""
    assert process.returncode == 130
    assert out.count(b"\n") <= 1


def test_ctrl_c_while_python_runs_text_is_no_other_end(environment, tmp_path) -> None:
    (tmp_path / "typer.py").write_text('exec("import signal; signal.raise_signal(signal.SIGINT)")')
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = {**environment, "PYTHONPATH": path}
    done = subprocess.run([*COLD, *SERVE], check=False, env=environment, input=b"", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_a_server_that_cannot_start_says_why_to_the_client_too(server) -> None:
    with server(KLAVIYO_MCP_MAX_WAIT="soon") as running:
        running.send(HELLO, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
        out, complaints, code = running.end()
    answers = [json.loads(line) for line in out.splitlines()]
    assert answers[-1]["id"] == 2
    assert "KLAVIYO_MCP_MAX_WAIT" in answers[-1]["error"]["message"]
    assert "KLAVIYO_MCP_MAX_WAIT" in complaints
    assert code == 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at descriptors where Linux shows them")
def test_what_prints_to_stdout_misses_the_protocol(server) -> None:
    with server() as running:
        running.send(HELLO, READY)
        running.answer()
        running.call(2)
        descriptors = Path(f"/proc/{running.process.pid}/fd")
        assert (descriptors / "1").readlink() == (descriptors / "2").readlink()
        assert (descriptors / "0").readlink() == Path("/dev/null")
