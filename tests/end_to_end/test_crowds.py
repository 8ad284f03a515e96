"""Clients over HTTP that say nothing, leave, or are very many: others are served, and the log stays readable."""

import asyncio
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

SERVE = [sys.executable, "-m", "klaviyo_mcp", "serve", "--expose", "all"]
HTTP = [*SERVE, "--transport", "http", "--port", "0"]
LIST = b'{"data":{"type":"list","id":"AbCdEf","attributes":{"name":"VIP"}}}'
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


def create_list(number: int = 1) -> dict[str, Any]:
    params = {"name": "create_list", "arguments": {"name": "VIP"}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


class Upstream(ThreadingHTTPServer):
    """A Klaviyo that counts the lists it makes, and answers once it is `going_on`."""

    daemon_threads = True
    request_queue_size = 600

    def __init__(self) -> None:
        self.asked, self.going_on, self.made = threading.Event(), threading.Event(), 0
        self._counting = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Asked)

    def count(self) -> None:
        with self._counting:
            self.made += 1
        self.asked.set()


class _Asked(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.count()
        self.server.going_on.wait(60)
        self.send_response(201)
        self.send_header("Content-Type", "application/vnd.api+json")
        self.send_header("Content-Length", str(len(LIST)))
        self.end_headers()
        self.wfile.write(LIST)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.going_on.set()
        served.shutdown()


@contextmanager
def server(log: Path, command: list[str] = HTTP, files: int | None = None, **settings: str) -> Iterator[Any]:
    """A server process over HTTP, with its log in a file, and its port."""

    if files is not None:
        command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, env={**os.environ, **settings}, stderr=errors) as process,
    ):
        try:
            while "listening on" not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield process, int(log.read_text().partition("/mcp")[0].rpartition(":")[2])
        finally:
            process.kill()


def settings(upstream: Upstream) -> dict[str, str]:
    return {"KLAVIYO_BASE_URL": f"http://127.0.0.1:{upstream.server_port}", "KLAVIYO_API_KEY": "pk_sandbox_x"}


def memory(process: "subprocess.Popen[Any]") -> int:
    """Resident memory, in MB."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no descriptors")
def test_connections_on_which_nothing_is_said_keep_nobody_out(tmp_path, upstream) -> None:
    log = tmp_path / "log"
    with server(log, files=256, **settings(upstream)) as (process, port), ExitStack() as opened:
        for number in range(400):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            if number % 2:
                client.sendall(b"POST /mcp HTTP/1.1\r\nHost: local")
        for _ in range(3):
            assert httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=10).json() == {"status": "ok"}
        assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 250
        opened.close()
        assert httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=10).json()["status"] == "ready"
    lines = log.read_text().splitlines()
    assert len(lines) < 10, lines[:20]
    assert any("KLAVIYO_MCP_MAX_CONNECTIONS" in line for line in lines)


def test_where_all_have_calls_under_way_one_more_is_told_so(tmp_path, upstream) -> None:
    most = {"KLAVIYO_MCP_MAX_CONNECTIONS": "2"}
    with server(tmp_path / "log", **settings(upstream), **most) as (_, port), ThreadPoolExecutor(2) as others:
        url = f"http://127.0.0.1:{port}/mcp"
        under_way = [others.submit(httpx2.post, url, json=create_list(), headers=HEADERS, timeout=60) for _ in range(2)]
        while upstream.made < 2:
            time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", port), 10) as one_more:
            answer = b""
            while part := one_more.recv(10_000):
                answer += part
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert "nothing was done" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
        upstream.going_on.set()
        assert [one.result().status_code for one in under_way] == [200, 200]


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_what_became_of_a_write_whose_client_left_is_in_the_log(tmp_path, upstream, version) -> None:
    log, audit = tmp_path / "log", tmp_path / "audit.jsonl"
    with server(log, **settings(upstream), KLAVIYO_MCP_AUDIT_FILE=str(audit)) as (process, port):
        message = create_list()
        more = ""
        if version > "2026":
            meta = {
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }
            message["params"]["_meta"] = meta
            more = "Mcp-Method: tools/call\r\nMcp-Name: create_list\r\n"
        body = json.dumps(message)
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            head = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nMCP-Protocol-Version: {version}\r\n{more}"
            kinds = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
            client.sendall(f"{head}{kinds}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            assert upstream.asked.wait(20)
        time.sleep(0.5)
        upstream.going_on.set()
        until = time.monotonic() + 20
        while "create_list" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    told = log.read_text()
    assert "create_list left before its answer. It was carried out." in told
    phases = [json.loads(line)["phase"] for line in audit.read_text().splitlines()]
    assert phases == ["intent", "outcome", "left"]
    assert "Traceback" not in log.read_text()
    assert upstream.made == 1


def test_five_hundred_calls_at_once_over_http_are_all_answered(tmp_path, environment) -> None:
    with server(tmp_path / "log", **environment) as (process, port):
        url = f"http://127.0.0.1:{port}/mcp"
        limits = httpx2.Limits(max_connections=500)

        async def ask() -> list[dict[str, Any]]:
            async with httpx2.AsyncClient(headers=HEADERS, timeout=120, limits=limits) as client:
                asked = [client.post(url, json=get_lists(number)) for number in range(500)]
                return [answer.json() for answer in await asyncio.gather(*asked)]

        sizes: list[int] = []
        for _ in range(3):
            answers = asyncio.run(ask())
            assert [answer["id"] for answer in answers] == list(range(500))
            assert outcomes(answers) <= ({"done"} if not sizes else {"done", "quota"})
            sizes.append(memory(process))
        assert sizes[-1] < sizes[0] + 20, sizes
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_five_hundred_calls_at_once_over_stdio_are_all_answered(environment) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(SERVE, env=environment, text=True, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        say = functools.partial(print, file=process.stdin, flush=True)
        say(json.dumps({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}))
        process.stdout.readline()
        say(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        sizes: list[int] = []
        for _ in range(3):
            writer = threading.Thread(target=say, args=("\n".join(json.dumps(get_lists(n)) for n in range(500)),))
            writer.start()
            answers = [json.loads(process.stdout.readline()) for _ in range(500)]
            writer.join()
            assert sorted(answer["id"] for answer in answers) == list(range(500))
            assert outcomes(answers) <= ({"done"} if not sizes else {"done", "quota"})
            sizes.append(memory(process))
        assert sizes[-1] < sizes[0] + 20, sizes
        process.stdin.close()
        assert process.wait(20) == 0


def outcomes(answers: list[Any]) -> set[str]:
    """What became of calls. The quota of a minute allows 700, and whoever would wait too long is told so at once."""
    results = [answer["result"] for answer in answers]
    codes = {result["structuredContent"]["error"]["code"] for result in results if result.get("isError")}
    done = {"done"} if any(not result.get("isError") for result in results) else set[str]()
    return done | {"quota" if code == "quota_exhausted" else code for code in codes}


def get_lists(number: int) -> dict[str, Any]:
    params = {"name": "get_lists", "arguments": {"page_size": 3}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def test_a_long_check_holds_up_nobody(tmp_path, environment) -> None:
    # Refused for its last row: of a call that is sent, most of the time is the sandbox's, in which all are answered.
    values = {f"property_{number}": number for number in range(20)}
    rows = [{"email": f"a{number}@example.org", "properties": values} for number in range(10_000)]
    rows[-1]["email"] = "nobody"
    call = {"name": "bulk_import_profiles", "arguments": {"profiles": rows}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    with server(tmp_path / "log", **environment) as (_, port), ThreadPoolExecutor(1) as other:
        url = f"http://127.0.0.1:{port}"
        answered = 0
        for _ in range(2):
            long = other.submit(httpx2.post, f"{url}/mcp", json=message, headers=HEADERS, timeout=120)
            while not long.done():
                assert httpx2.get(f"{url}/healthz", timeout=5).is_success
                answered += 1
            (problem,) = long.result().json()["result"]["structuredContent"]["error"]["problems"]
            assert problem["argument"] == "profiles[9999].email"
        assert answered > 20
        for number, row in enumerate(rows):
            row |= {"email": f"a{number}@example.org", "properties": {"x": number}}
        sent = httpx2.post(f"{url}/mcp", json=message, headers=HEADERS, timeout=120)
        assert not sent.json()["result"].get("isError", False)
