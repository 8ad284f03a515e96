"""Fetching what strangers point to: no address of ours is ever connected to, and no answer takes long or much."""

import gzip
import json
from ipaddress import ip_address
from time import monotonic

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.authorization.driving import Documents

from klaviyo_mcp.authorization.errors import ClientAway, ClientProblem, ClientRefused
from klaviyo_mcp.authorization.metadata_fetch import MetadataFetch, is_public

URL = "https://client.example/oauth/metadata.json"
BAD = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "ff0e::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "::ffff:8.8.8.8", "::10.0.0.1", "::8.8.8.8",
    "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2002:a00:1::1", "2002:808:808::1",
    "2001::1", "2001:0:53aa:64c::1", "2001:db8::1", "2001:10::1", "2001:20::1", "3fff::1", "100::1", "5f00::1",
    "4000::1", "localhost", "", "010.0.0.1", "127.1", "0x7f000001",
]  # fmt: skip
GOOD = ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700::1", "2a00:1450:4001::1", "2001:4860:4860::8888"]


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def fetch(documents) -> MetadataFetch:
    return MetadataFetch(documents.resolve, documents)


@pytest.mark.parametrize("address", BAD, ids=lambda address: f"A28 {address}")
async def test_an_address_that_is_not_public_is_never_connected_to(documents, fetch, address) -> None:
    assert not is_public(address)
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        documents.addresses["client.example"] = addresses
        with pytest.raises(ClientRefused):
            await fetch.get(URL)
    assert documents.asked == []


@pytest.mark.parametrize("address", GOOD)
async def test_the_connection_goes_to_the_address_that_was_checked(documents, fetch, address) -> None:
    documents.addresses["client.example"] = [address]
    documents.publish(URL, {"a": 1})
    assert (await fetch.get(URL)).document == {"a": 1}
    [request] = documents.asked
    assert ip_address(request.url.host) == ip_address(address)
    assert request.headers["Host"] == "client.example"
    assert request.extensions["sni_hostname"] == "client.example"
    assert request.headers["Accept"] == "application/json"
    assert not {"authorization", "cookie"} & request.headers.keys()


async def test_a28_a_name_that_changes_between_look_ups_is_looked_up_once(documents) -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])

    async def rebinding(host: str) -> list[str]:
        return next(answers)

    documents.publish(URL, {})
    await MetadataFetch(rebinding, documents).get(URL)
    assert [request.url.host for request in documents.asked] == ["8.8.8.8"]


@given(st.ip_addresses())
def test_what_is_public_is_global_by_the_standard_library_too(address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_private


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example/x", "https://client.example", "https://client.example/", "https://client.example/x?y",
        "https://client.example/x#y", "https://u@client.example/x", "https://client.example:8443/x",
        "https://Client.example/x", "HTTPS://client.example/x", "https://client.example/../x",
        "https://client.example/%2e%2e/x", "https://client.example/%25252e%25252e/x", "https://127.0.0.1/x",
        "https://[::1]/x", "https://localhost/x",
        "https://2130706433/x", "https://0x7f.1/x", "https://client.example./x", "https://client.example\\@evil/x",
        "https://client.example/" + "x" * 500, "https://client.example/x y", "https://exämple.com/x", "",
    ],
)  # fmt: skip
async def test_a_url_that_may_not_be_fetched(documents, fetch, url) -> None:
    with pytest.raises(ClientRefused):
        await fetch.get(url)
    assert documents.asked == []


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 404, 410], ids=lambda status: f"A29 {status}")
async def test_only_200_is_taken_and_nothing_is_followed(documents, fetch, status) -> None:
    documents.publish(URL, {}, status, Location="https://client.example/other")
    with pytest.raises(ClientRefused):
        await fetch.get(URL)
    assert len(documents.asked) == 1


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_what_may_pass_is_no_refusal(documents, fetch, status) -> None:
    documents.publish(URL, {}, status)
    with pytest.raises(ClientAway):
        await fetch.get(URL)


@pytest.mark.parametrize(
    "content", [b"[]", b'"x"', b"<html>", b"\xff{}", b"[" * 9_000, b"", b'{"x":"' + b"y" * 10_240 + b'"}']
)
async def test_a29_what_is_no_small_json_object_is_refused(documents, fetch, content) -> None:
    documents.publish(URL, content)
    with pytest.raises(ClientRefused):
        await fetch.get(URL)


async def test_a29_a_bomb_is_not_unpacked(documents, fetch) -> None:
    documents.publish(URL, gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"})
    with pytest.raises(ClientRefused):
        await fetch.get(URL)
    documents.publish(URL, gzip.compress(json.dumps({"a": 1}).encode()), **{"Content-Encoding": "gzip"})
    assert (await fetch.get(URL)).document == {"a": 1}


async def test_a29_a_drip_and_a_flood_end_within_five_seconds(documents, fetch) -> None:
    class Body(httpx2.AsyncByteStream):
        def __init__(self, pause: float, part: bytes) -> None:
            self.pause, self.part, self.sent = pause, part, 0

        async def __aiter__(self):
            while True:
                await anyio.sleep(self.pause)
                self.sent += len(self.part)
                yield self.part

    flood = Body(0, b" " * 65_536)

    async def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=flood if request.url.path == "/flood" else Body(0.1, b" "))

    documents.answers["https://client.example/flood"] = documents.answers[URL] = answer
    with pytest.raises(ClientRefused):
        await fetch.get("https://client.example/flood")
    assert flood.sent <= 65_536 * 2
    began = monotonic()
    with pytest.raises(ClientAway):
        await fetch.get(URL)
    assert monotonic() - began < 6


@pytest.mark.parametrize("error", [httpx2.ConnectError("refused"), OSError("no"), httpx2.ReadTimeout("slow")])
async def test_a_host_that_cannot_be_reached(documents, fetch, error) -> None:
    documents.answers[URL] = error
    with pytest.raises(ClientAway):
        await fetch.get(URL)


async def test_a_host_without_an_address(documents, fetch) -> None:
    documents.addresses["client.example"] = []
    with pytest.raises(ClientProblem):
        await fetch.get(URL)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300), ({"Cache-Control": "max-age=5"}, 300), ({"Cache-Control": "no-store, max-age=4000"}, 300),
        ({"Cache-Control": "public, max-age=4000"}, 4000), ({"Cache-Control": "max-age=4000", "Age": "1000"}, 3000),
        ({"Cache-Control": "max-age=99999999"}, 86_400),
        ({"Date": "Thu, 26 Nov 2026 10:00:00 GMT", "Expires": "Thu, 26 Nov 2026 11:00:00 GMT"}, 3600),
        ({"Expires": "0"}, 300),
    ],
)  # fmt: skip
async def test_how_long_a_document_holds(documents, fetch, headers, seconds) -> None:
    documents.publish(URL, {}, **headers)
    assert (await fetch.get(URL)).fresh_for == seconds
