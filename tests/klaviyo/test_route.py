"""The way to Klaviyo: proxies and certificates of the environment, and what is said of a request that never left."""

import asyncio
import gc
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.klaviyo.stub import stub

from klaviyo_mcp.klaviyo import errors
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import LONGEST_TARGET, ApiRequest, WaitBudget
from klaviyo_mcp.klaviyo.route import IN_A_LANE, LANES, SystemRoute, certificates, proxy_for

POST = ApiRequest("POST", "/api/lists", body={"data": {"type": "list"}}, operation="create_list")
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\nContent-Length: 11\r\n\r\n{"data":[]}'
SECRET = "sEcReT"
QUICK = httpx2.Timeout(connect=0.3, read=0.3, write=0.3, pool=0.3)


@pytest.fixture(autouse=True)
def _no_network_settings(monkeypatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    certificates.cache_clear()


async def fault(base_url: str, patience: httpx2.Timeout = QUICK) -> errors.KlaviyoError:
    """The error of sending a request; no value of the environment may be in it."""
    pool = HttpPool(timeout=patience)
    client = KlaviyoClient(ApiKeyAuth("pk_secret"), pool, base_url=base_url)
    with pytest.raises(errors.KlaviyoError) as error:
        await client.send(POST, WaitBudget(0))
    await pool.close()
    assert SECRET not in f"{error.value.message}{error.value.advice}"
    return error.value


def not_sent(error: errors.KlaviyoError, *said: str) -> None:
    assert isinstance(error, errors.NotSent), error
    assert error.advice
    for words in said:
        assert words in f"{error.message} {error.advice}"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:9", "does not begin with"),
        ("all_proxy", "socks4://127.0.0.1:9", "does not begin with"),
        ("HTTPS_PROXY", "ftp://127.0.0.1:9", "does not begin with"),
        ("HTTPS_PROXY", f"not a proxy {SECRET}", "is not written as a URL"),
        ("HTTPS_PROXY", "http://", "is not written as a URL"),
        ("HTTPS_PROXY", f"http://name:{SECRET}@127.0.0.1:port", "is not written as a URL"),
        ("HTTPS_PROXY", "${HTTPS_PROXY}", "is not written as a URL"),
        ("https_proxy", "http://proxy:99999", "is not written as a URL"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_told_by_its_variable(monkeypatch, variable, value, says) -> None:
    monkeypatch.setenv(variable, value)
    not_sent(await fault("https://a.klaviyo.com"), f"The proxy in {variable} {says}", "NO_PROXY")


async def test_a_proxy_for_others_is_no_fault(monkeypatch, answering) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://x")
    async with answering(OK) as wire, wire.client() as client:
        assert (await client.send(POST, WaitBudget(0))).document == {"data": []}
    monkeypatch.setenv("ALL_PROXY", "nonsense://x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    assert proxy_for(httpx2.URL("https://a.klaviyo.com")).variable == "HTTPS_PROXY"
    monkeypatch.setenv("https_proxy", "http://other.example.org:3128")
    assert proxy_for(httpx2.URL("https://a.klaviyo.com")).variable == "https_proxy"


@pytest.mark.parametrize(
    ("exceptions", "url", "direct"),
    [
        ("*", "https://a.klaviyo.com", True),
        ("klaviyo.com", "https://a.klaviyo.com", True),
        (".klaviyo.com", "https://a.klaviyo.com", True),
        ("*.klaviyo.com", "https://a.klaviyo.com", True),
        ("*.KLAVIYO.com", "https://a.klaviyo.com", True),
        ("localhost, a.klaviyo.com", "https://a.klaviyo.com", True),
        ("A.KLAVIYO.COM", "https://a.klaviyo.com", True),
        ("oklaviyo.com", "https://a.klaviyo.com", False),
        ("a.klaviyo.com.evil.org", "https://a.klaviyo.com", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("127.0.0.1", "https://127.0.0.1:8443", True),
        ("127.0.0.1:8443", "https://127.0.0.1:8443", True),
        ("127.0.0.1:8444", "https://127.0.0.1:8443", False),
        ("::1", "https://[::1]:8443", True),
        ("[::1]", "https://[::1]:8443", True),
        ("", "https://a.klaviyo.com", False),
    ],
)
def test_no_proxy_leaves_proxies_out(monkeypatch, exceptions, url, direct) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert (proxy_for(httpx2.URL(url)) is None) is direct


async def test_a_proxy_without_a_scheme_speaks_http(monkeypatch, answering) -> None:
    async with answering(OK) as wire:
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{wire.port}")
        pool = HttpPool()
        client = KlaviyoClient(ApiKeyAuth("pk_sandbox"), pool, base_url="http://klaviyo.example.org")
        assert (await client.send(POST, WaitBudget(0))).document == {"data": []}
        await pool.close()
    assert wire.requests[0].startswith(b"POST http://klaviyo.example.org/api/lists ")


@pytest.mark.parametrize(
    ("status", "says"), [("407 Give me a name", "a name and a password"), ("403 Nothing was sent to Klaviyo.", "Ask")]
)
async def test_a_proxy_that_refuses_has_let_nothing_through(monkeypatch, answering, status, says) -> None:
    async with answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as wire:
        monkeypatch.setenv("HTTPS_PROXY", f"http://name:{SECRET}@127.0.0.1:{wire.port}")
        error = await fault("https://a.klaviyo.com")
    not_sent(error, "HTTPS_PROXY", f"127.0.0.1:{wire.port}", f"({status[:3]})", says)
    assert isinstance(error, errors.ProxyRefused)
    assert status not in error.message
    assert [request.split()[0] for request in wire.requests] == [b"CONNECT"]


async def test_a_proxy_that_refuses_plain_http_has_let_nothing_through(monkeypatch, answering) -> None:
    async with answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as wire:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{wire.port}")
        not_sent(await fault("http://klaviyo.example.org"), "HTTP_PROXY", "407")


@pytest.mark.parametrize("answer", [b"", None, b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_whatever_a_proxy_does_before_it_opens_a_way_nothing_was_sent(monkeypatch, answering, answer) -> None:
    async with answering(answer) as wire:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{wire.port}")
        not_sent(await fault("https://a.klaviyo.com"), "HTTPS_PROXY", f"127.0.0.1:{wire.port}", "nothing was sent")


async def test_a_proxy_that_is_not_there(monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    not_sent(await fault("https://a.klaviyo.com"), "by the proxy 127.0.0.1:1 of HTTPS_PROXY", "nothing listens there")


async def test_a_socks_proxy_is_used(monkeypatch) -> None:
    with socks_server(0) as (port, heard):
        monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{port}")
        pool = HttpPool()
        client = KlaviyoClient(ApiKeyAuth("pk_sandbox"), pool, base_url="http://klaviyo.example.org")
        assert (await client.send(POST, WaitBudget(0))).document == {"data": []}
        await pool.close()
    assert b"klaviyo.example.org" in heard[1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_socks_proxy_that_refuses_has_let_nothing_through(monkeypatch) -> None:
    with socks_server(2) as (port, _):
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        error = await fault("https://a.klaviyo.com")
    not_sent(error, f"The proxy 127.0.0.1:{port} of ALL_PROXY refused to connect to a.klaviyo.com.")
    # The library forgets to close this connection, and the next test must not be blamed for it.
    del error
    gc.collect()


async def test_a_socks_proxy_without_the_package_for_it_says_how_to_have_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", f"socks5://name:{SECRET}@127.0.0.1:9")
    not_sent(
        await fault("https://a.klaviyo.com"), "The proxy in ALL_PROXY speaks SOCKS", "klaviyo-mcp[socks]", "NO_PROXY"
    )


@contextmanager
def socks_server(reply: int) -> Iterator[tuple[int, list[bytes]]]:
    """A SOCKS5 proxy that answers a request for a way with `reply` (0 opens it), and then for Klaviyo itself."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener.accept()[0] as stream:
            answers = [b"\x05\x00", bytes([5, reply]) + b"\x00\x01" + bytes(6), OK]
            for answer in answers[: 3 if reply == 0 else 2]:
                heard.append(stream.recv(10_000))
                stream.sendall(answer)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], heard
    thread.join(5)
    listener.close()


async def test_a_name_nobody_knows() -> None:
    not_sent(await fault("https://klaviyo.invalid", httpx2.Timeout(10)), "klaviyo.invalid", "name is not known")


@pytest.mark.parametrize("label", ["a" * 64, "a..b"])
async def test_a_name_that_is_none(label) -> None:
    not_sent(await fault(f"https://{label}.example.org"), f"{label}.example.org", "name is not known")


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem", "words.pem", "."])
async def test_certificates_that_cannot_be_read_are_told_by_their_variable(monkeypatch, tmp_path, name) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "words.pem").write_text("no certificate\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
    not_sent(await fault("https://a.klaviyo.com"), "SSL_CERT_FILE names", "correct or unset it")


@pytest.mark.parametrize("name", ["missing", "empty"])
async def test_a_folder_without_certificates_is_told_by_its_variable(monkeypatch, tmp_path, name) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / name))
    not_sent(await fault("https://a.klaviyo.com"), "SSL_CERT_DIR names no folder")


async def test_plain_http_needs_no_certificates(monkeypatch, answering) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent.pem")
    async with answering(OK) as wire, wire.client() as client:
        assert (await client.send(POST, WaitBudget(0))).status == 200


async def test_an_untrusted_certificate_is_called_one(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/corporate.pem")
    with tls_server(tmp_path) as port:
        error = await fault(f"https://localhost:{port}")
        not_sent(error, "certificate of localhost", "SSL_CERT_FILE", "Set but not read here:", "REQUESTS_CA_BUNDLE")
        assert isinstance(error, errors.CertificateRefused)
        certificates.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        pool = HttpPool()
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=f"https://localhost:{port}")
        assert (await client.send(POST, WaitBudget(0))).status == 200
        await pool.close()
        not_sent(await fault(f"https://127.0.0.1:{port}"), "certificate of 127.0.0.1", "KLAVIYO_BASE_URL")


async def test_a_certificate_of_another_time_asks_for_the_clock(monkeypatch, tmp_path) -> None:
    with tls_server(tmp_path, days=-1) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        not_sent(await fault(f"https://localhost:{port}"), "expired", "clock")


async def test_a_server_without_tls(answering) -> None:
    async with answering(OK) as wire:
        not_sent(await fault(f"https://localhost:{wire.port}"), "no TLS handshake")


async def test_an_address_that_is_too_long_is_not_sent(answering) -> None:
    async with answering(OK) as wire, wire.client() as client:
        long = ApiRequest("GET", "/api/lists", query=(("filter", "é" * 2_000),))
        with pytest.raises(errors.AddressTooLong, match=f"{LONGEST_TARGET:,}"):
            await client.send(long, WaitBudget(0))
        await client.send(ApiRequest("GET", "/api/lists", query=(("filter", "e" * 7_900),)), WaitBudget(0))
    assert len(wire.requests) == 1


@pytest.mark.parametrize("value", ["a\nb", "é", "a\0b"])
async def test_a_header_that_cannot_be_written_is_not_sent(answering, value) -> None:
    async with answering(OK) as wire, wire.client() as client:
        with pytest.raises(errors.NotSent):
            await client.send(ApiRequest("GET", "/api/lists", headers=(("X-Odd", value),)), WaitBudget(0))
    assert wire.requests == []


@contextmanager
def tls_server(folder: Path, days: int = 1) -> Iterator[int]:
    """A server on localhost, its certificate in ca.pem of `folder`, valid until so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(OK)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: Any, client_address: Any) -> None:
            # A client that does not trust the certificate breaks off here.
            with suppress(OSError), context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)

    with Server(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


async def test_one_caller_keeps_one_connection_and_a_crowd_has_more_for_a_while():
    async with stub(OK) as upstream, httpx2.AsyncClient(transport=SystemRoute(unused=0.05)) as client:

        def connections() -> int:
            return sum(not writer.is_closing() for writer in upstream.open)

        for _ in range(3):
            await client.get(upstream.url)
        assert connections() == 1
        answers = await asyncio.gather(*(client.get(upstream.url) for _ in range(3 * IN_A_LANE)))
        assert {answer.status_code for answer in answers} == {200}
        assert connections() == 3 * IN_A_LANE
        await asyncio.sleep(0.1)
        for _ in range(3):
            await client.get(upstream.url)
        await asyncio.sleep(0.1)
        assert connections() == IN_A_LANE


async def test_more_than_all_lanes_can_take_wait_and_one_that_is_left_early_gives_its_place_back():
    many = 2 * LANES * IN_A_LANE
    async with stub(OK) as upstream, httpx2.AsyncClient(transport=SystemRoute()) as client:
        calls = [asyncio.create_task(client.get(upstream.url)) for _ in range(many)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(answer, httpx2.Response) for answer in answers) == many // 2
        again = await asyncio.gather(*(client.get(upstream.url) for _ in range(many)))
        assert {answer.status_code for answer in again} == {200}
        assert len([writer for writer in upstream.open if not writer.is_closing()]) <= LANES * IN_A_LANE
