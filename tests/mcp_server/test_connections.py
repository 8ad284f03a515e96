"""How long a server over HTTP waits for its clients, over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.mcp_server.connections import Patience, bounded_protocol, most_connections
from klaviyo_mcp.mcp_server.http import http_app
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_mcp.runtime.settings import Settings

HEAD = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
LISTING = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'


@contextmanager
def listening(registry, patience: Patience, most: int = 100) -> Iterator[int]:
    """A server in a thread, and its port."""
    endpoint = Endpoint("http://127.0.0.1:1")
    account = OneAccount(open_account("one", endpoint, api_key="pk_sandbox_x"), endpoint)
    made = make_server(Engine(registry), lambda _: account, Listing(registry, Exposure(frozenset(registry.toolsets))))
    app = http_app(made, Settings(), tools=1, patience=patience)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=bounded_protocol(most, patience), log_level="warning", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def port(registry) -> Iterator[int]:
    with listening(registry, Patience(head=0.5, body=0.5, reading=0.5)) as found:
        yield found


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        yield client


def rest(client: socket.socket) -> bytes:
    """Everything that still comes until the server closes the connection."""
    found = b""
    try:
        while part := client.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def request(body: str) -> bytes:
    return f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def pinged(client: socket.socket) -> bool:
    """Whether a ping is answered on a connection that stays."""
    client.sendall(request(PING))
    answer = client.recv(10_000)
    while answer and not answer.endswith(b"}"):
        answer += client.recv(10_000)
    return answer.startswith(b"HTTP/1.1 200 ")


def test_a_connection_on_which_nothing_comes_is_closed(port) -> None:
    with connected(port) as client:
        assert rest(client) == b""


def test_half_a_head_is_answered_and_closed_however_it_drips(port) -> None:
    with connected(port) as client:
        began = time.monotonic()
        client.sendall(HEAD.encode())
        client.settimeout(0.1)
        answer = b""
        while not answer and time.monotonic() - began < 10:
            client.sendall(b"X-More: 1\r\n")
            try:
                answer = client.recv(1_000)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_drips_is_answered_in_words(port) -> None:
    with connected(port) as client:
        client.sendall(f"{HEAD}Content-Length: 100\r\n\r\n{{".encode())
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"The body of the request did not come within 0.5 s; nothing was done." in answer


def test_what_drips_after_a_refusal_ends_too(port) -> None:
    with connected(port) as client:
        client.sendall(b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        began = time.monotonic()
        assert client.recv(1_000).startswith(b"HTTP/1.1 404 ")
        while time.monotonic() - began < 10:
            try:
                client.sendall(b"x")
            except OSError:  # broken pipe or reset, by chance
                return
            time.sleep(0.05)
    pytest.fail("it was not closed")


def test_who_does_not_read_the_answer_is_dropped(port) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", port))
        client.sendall(request(LISTING) * 60)
        time.sleep(4)  # meanwhile all buffers in between are full, and the patience of half a second is at its end
        assert rest(client).count(b"HTTP/1.1 200 ") < 60


def test_a_kept_connection_serves_one_request_after_another(port) -> None:
    with connected(port) as client:
        for _ in range(3):
            assert pinged(client)
            time.sleep(0.2)


def test_requests_that_came_together_are_all_answered(port) -> None:
    with connected(port) as client:
        client.sendall(request(PING) * 3)
        assert rest(client).count(b"HTTP/1.1 200 ") == 3


def test_the_one_that_has_waited_longest_makes_room(registry) -> None:
    with (
        listening(registry, Patience(head=30), most=2) as port,
        connected(port) as first,
        connected(port) as second,
        connected(port) as third,
    ):
        assert rest(first) == b""
        assert pinged(second)
        assert pinged(third)


def test_there_are_no_more_connections_than_descriptors() -> None:
    resource = pytest.importorskip("resource")
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most_connections(10) == 10
    assert most_connections(10**9) < allowed
