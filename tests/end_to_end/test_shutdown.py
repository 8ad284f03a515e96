"""A server over HTTP that is told to stop: calls are answered, and one that is cut short says what became of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

SERVE = [sys.executable, "-m", "klaviyo_mcp", "serve", "--transport", "http", "--port", "0"]
LIST = b'{"data":{"type":"list","id":"AbCdEf","attributes":{"name":"VIP"}}}'
CREATED = b"HTTP/1.1 201 Created\r\nX-Klaviyo-Req-Id: 1\r\nContent-Length: %d\r\n\r\n%s" % (len(LIST), LIST)
BUSY = b"HTTP/1.1 429 Busy\r\nX-Klaviyo-Req-Id: 1\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"


class Upstream(ThreadingHTTPServer):
    """A Klaviyo that tells when it was `asked`, and answers with `reply` once it is `going_on`."""

    daemon_threads = True

    def __init__(self, reply: bytes) -> None:
        self.reply, self.asked, self.going_on = reply, threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), _Asked)


class _Asked(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        self.server.going_on.wait(60)
        self.wfile.write(self.server.reply)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(reply: bytes, within: str) -> Iterator[tuple[Upstream, "subprocess.Popen[str]", str]]:
    """An upstream, and a server process that talks to it, with its URL."""
    with Upstream(reply) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        settings = {
            "KLAVIYO_BASE_URL": f"http://127.0.0.1:{upstream.server_port}",
            "KLAVIYO_API_KEY": "pk_sandbox_x",
            "KLAVIYO_MCP_STOP_WITHIN": within,
            "KLAVIYO_MCP_LOG_LEVEL": "warning",
        }
        with subprocess.Popen(SERVE, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            url = process.stderr.readline().split()[-1]
            try:
                yield upstream, process, url
            finally:
                process.kill()
                upstream.going_on.set()
                upstream.shutdown()


@contextmanager
def create_list(url: str) -> "Iterator[Future[httpx2.Response]]":
    """A write that is under way."""
    call = {"name": "create_list", "arguments": {"name": "VIP"}}
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(httpx2.post, url, json=message, headers={"Accept": "application/json"}, timeout=60)


def outcome(answer: httpx2.Response) -> Any:
    """What the call's answer says, which is a tool's answer to the request that was made."""
    assert answer.status_code == 200
    assert answer.json()["id"] == 7
    return answer.json()["result"]["structuredContent"]


def ended(process: "subprocess.Popen[str]") -> None:
    """It ends by the signal, and has nothing to say about it."""
    _, complaints = process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGTERM, -signal.SIGINT, 130)
    assert complaints == ""


def test_a_call_that_is_under_way_is_finished() -> None:
    with serving(CREATED, "30") as (upstream, process, url), create_list(url) as call:
        assert upstream.asked.wait(20)
        process.terminate()
        time.sleep(0.5)
        upstream.going_on.set()
        assert outcome(call.result(20))["record"]["id"] == "AbCdEf"
        ended(process)


def test_a_write_that_takes_too_long_says_that_its_outcome_is_not_known() -> None:
    with serving(CREATED, "0.5") as (upstream, process, url), create_list(url) as call:
        assert upstream.asked.wait(20)
        process.terminate()
        error = outcome(call.result(20))["error"]
        assert error["code"] == "server_stopped"
        assert error["outcome"] == "The request was sent and it is not known whether Klaviyo carried it out."
        assert error["next_step"].startswith("Do not simply call again")
        ended(process)


def test_a_call_that_waits_for_quota_says_that_nothing_was_sent() -> None:
    with serving(BUSY, "0.5") as (upstream, process, url), create_list(url) as call:
        upstream.going_on.set()
        assert upstream.asked.wait(20)
        time.sleep(0.5)
        process.terminate()
        error = outcome(call.result(20))["error"]
        assert error["code"] == "server_stopped"
        assert error["outcome"] == "Nothing was sent to Klaviyo."
        ended(process)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_hurries_and_is_still_answered(sign) -> None:
    with serving(CREATED, "60") as (upstream, process, url), create_list(url) as call:
        assert upstream.asked.wait(20)
        process.send_signal(sign)
        time.sleep(0.5)
        process.send_signal(sign)
        assert outcome(call.result(20))["error"]["code"] == "server_stopped"
        ended(process)


def test_half_a_request_holds_nothing_up() -> None:
    with serving(CREATED, "60") as (_, process, url):
        port = int(url.rpartition(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = f"POST /mcp HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
            client.sendall(f"{head}Accept: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
            time.sleep(0.5)
            process.terminate()
            client.settimeout(20)
            # Head and body may come one after the other.
            answer = b"".join(iter(lambda: client.recv(10_000), b"")).decode()
        assert answer.startswith("HTTP/1.1 503 ")
        assert "nothing was done" in json.loads(answer.partition("\r\n\r\n")[2])["error"]["message"]
        ended(process)


def test_without_calls_it_ends_at_once() -> None:
    with serving(CREATED, "60") as (_, process, url), httpx2.Client() as client:
        assert client.get(url).status_code == 405
        process.send_signal(signal.SIGINT)
        ended(process)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("in_time", [True, False])
def test_a_write_under_way_over_stdio_is_answered_before_sigterm_ends_the_server(in_time) -> None:
    with Upstream(CREATED) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        settings = {"KLAVIYO_BASE_URL": f"http://127.0.0.1:{upstream.server_port}", "KLAVIYO_API_KEY": "pk_sandbox_x"}
        command = [sys.executable, "-m", "klaviyo_mcp", "serve"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env={**os.environ, **settings}, text=True, **pipes) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            hello = {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "0"},
            }
            write = {"name": "create_list", "arguments": {"name": "VIP"}}
            for message in (
                {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
                {"jsonrpc": "2.0", "method": "notifications/initialized"},
                {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": write},
            ):
                print(json.dumps(message), file=process.stdin, flush=True)
            process.stdout.readline()
            assert upstream.asked.wait(20)
            process.terminate()
            time.sleep(0.3)
            if in_time:
                upstream.going_on.set()
            found = json.loads(process.stdout.readline())
            assert process.wait(10) == -signal.SIGTERM
            assert "Traceback" not in process.stderr.read()
        upstream.going_on.set()
        upstream.shutdown()
    assert found["id"] == 2
    if in_time:
        assert not found["result"]["isError"]
    else:
        error = found["result"]["structuredContent"]["error"]
        assert error["code"] == "server_stopped"
        assert "not known" in error["outcome"]
