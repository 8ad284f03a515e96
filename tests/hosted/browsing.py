"""The demo of the hosted service in a process of its own, MCP clients of it, and a browser before it."""

import http.server
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from tests.oauth_requests import authorization


@dataclass(frozen=True)
class Demo:
    """A demo under way, with the addresses of the service and of its Klaviyo."""

    process: "subprocess.Popen[str]"
    said: str
    url: str
    klaviyo: str

    def register(self, **fields: Any) -> dict[str, Any]:
        """What is answered to a client that registers itself."""
        answer = httpx2.post(f"{self.url}/register", json=fields, timeout=60)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def client(self, redirect_uri: str, name: str = "Test client") -> "Client":
        """A client that has registered itself."""
        return Client(self, self.register(client_name=name, redirect_uris=[redirect_uri])["client_id"], redirect_uri)


@contextmanager
def demo(folder: Path | None = None) -> Iterator[Demo]:
    """`klaviyo-mcp serve --hosted-demo`, stopped as a person does; its temporary folders are made in `folder`."""
    words = [sys.executable, "-m", "klaviyo_mcp", "serve", "--hosted-demo", "--port", "0"]
    # A key of the person's must not reach it: it would make every caller share one account.
    environment = {**os.environ, "KLAVIYO_API_KEY": "pk_somebodys", **({"TMPDIR": str(folder)} if folder else {})}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if "listening on" in line:  # the last line, and from then on it can be reached
                    break
            found = re.findall(r"http://127\.0\.0\.1:[0-9]+", said)
            assert found, said
            yield Demo(process, said, found[0], re.findall(r"watched at (\S+)", said)[0])
        finally:
            process.terminate()
            process.wait(20)


@dataclass(frozen=True)
class Client:
    """An MCP client that has registered itself."""

    demo: Demo
    client_id: str
    redirect_uri: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def authorize(self) -> str:
        """Where it sends the browser."""
        own = {"client_id": self.client_id, "redirect_uri": self.redirect_uri, "resource": f"{self.demo.url}/mcp"}
        return f"{self.demo.url}/authorize?{urlencode(authorization(self.verifier, **own))}"

    def tokens(self, answer: str) -> dict[str, Any]:
        """Tokens for the code in the address that a browser was sent back to."""
        given = answer_of(answer)
        assert given["state"] == "the state"
        assert given["iss"] == self.demo.url
        form = {
            "grant_type": "authorization_code",
            "code": given["code"],
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        reply = httpx2.post(f"{self.demo.url}/token", data=form)
        assert reply.status_code == 200, reply.text
        return reply.json()


def answer_of(address: str) -> dict[str, str]:
    """The parameters of the address that a browser was sent back to."""
    return dict(parse_qsl(urlsplit(address).query))


def calls(demo: Demo, token: str, tool: str = "get_lists", **arguments: Any) -> httpx2.Response:
    """The answer to a call of a tool."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    return httpx2.post(f"{demo.url}/mcp", json=message, headers=headers, timeout=30)


@dataclass(frozen=True)
class Program:
    """A program on this machine that waits for answers at `address`, and has other `pages` by their paths."""

    address: str
    visits: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)


@contextmanager
def listening() -> Iterator[Program]:
    """Such a program on a free port."""

    class Visit(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = program.pages.get(self.path, "<title>Back</title><h1>Back in the client</h1>")
            program.visits.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<!DOCTYPE html><link rel="icon" href="data:,">{content}'.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Visit) as server:
        program = Program(f"http://127.0.0.1:{server.server_port}/callback")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield program
        server.shutdown()
