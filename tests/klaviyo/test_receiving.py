"""Answers that are too large, too deep, too slow, or packed to harm: each ends in a reply or an error, and in time."""

import asyncio
import gzip
import json
import time
import zlib

import httpx2
import pytest
from tests.klaviyo.stub import OWN, Answer, http, stub

from klaviyo_mcp.klaviyo import errors
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import RequestOutcome
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply, WaitBudget

POST = ApiRequest("POST", "/api/lists", body={"data": {"type": "list"}}, expects="data")
DELETE = ApiRequest("DELETE", "/api/lists/L1", expects="nothing")
RECORD = {"data": {"type": "list", "id": "L1", "attributes": {"name": "x"}}}


async def received(*answers: Answer, outgoing: ApiRequest = POST, **options: object) -> Reply | errors.KlaviyoError:
    async with stub(*answers) as wire:
        pool = HttpPool(**options)  # type: ignore[arg-type]
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire.url)
        try:
            return await client.send(outgoing, WaitBudget(0))
        except errors.KlaviyoError as error:
            return error
        finally:
            await pool.close()


def named(name: str) -> bytes:
    return b'{"data":{"type":"list","id":"L1","attributes":{"name":' + name.encode() + b"}}}"


async def name_of(written: str) -> object:
    reply = await received(http(200, named(written), **OWN))
    assert isinstance(reply, Reply), reply
    return reply.document["data"]["attributes"]["name"]


async def test_half_a_character_is_replaced_and_a_whole_one_kept() -> None:
    assert await name_of(r'"\ud800 x"') == "\ufffd x"
    assert await name_of(r'"\ud83d\ude00"') == "\U0001f600"
    reply = await received(http(200, b'{"data":{"type":"list","id":"\xff\xed\xa0\x80"}}', **OWN))
    assert isinstance(reply, Reply)
    reply.document["data"]["id"].encode()


async def test_numbers_that_no_json_has_or_nothing_can_hold_become_text() -> None:
    assert await name_of("NaN") == "NaN"
    assert await name_of("-Infinity") == "-Infinity"
    assert await name_of("1e999") == "1e999"
    assert await name_of("9" * 5000) == "9" * 5000
    assert await name_of("12345678901234567890") == 12345678901234567890


@pytest.mark.parametrize("depth", [101, 5_000, 200_000])
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_deep_document_is_an_error_that_says_what_became_of_the_request(depth, status) -> None:
    error = await received(http(status, b'{"data":' + b"[" * depth + b"]" * depth + b"}", **OWN))
    outcome = {200: RequestOutcome.DONE, 400: RequestOutcome.REFUSED, 500: RequestOutcome.UNKNOWN}[status]
    assert isinstance(error, errors.KlaviyoError)
    assert error.outcome is outcome


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "bare deflate"])
async def test_packed_answers_are_unpacked(encoding) -> None:
    content = json.dumps(RECORD).encode()
    bare = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(content),
        "deflate": zlib.compress(content),
        "bare deflate": bare.compress(content) + bare.flush(),
    }[encoding]
    reply = await received(http(200, packed, Content_Encoding=encoding.rpartition(" ")[2], **OWN))
    assert isinstance(reply, Reply)
    assert reply.document == RECORD


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"0" * 3_000_000, mtime=0), "gzip"),
        (b" " * 1_000_001, ""),
        (b"no gzip", "gzip"),
        (gzip.compress(json.dumps(RECORD).encode(), mtime=0)[:-9], "gzip"),
        (b"what", "br"),
        (b"what", "gzip, gzip"),
    ],
    ids=["bomb", "large", "no gzip", "broken off", "brotli", "twice"],
)
async def test_an_answer_that_cannot_be_kept_or_unpacked_was_still_klaviyos(body, encoding) -> None:
    error = await received(http(200, body, Content_Encoding=encoding, **OWN), largest=1_000_000)
    assert isinstance(error, errors.UnreadableAnswer)
    assert error.outcome is RequestOutcome.DONE
    error = await received(http(200, body, Content_Encoding=encoding), largest=1_000_000)
    assert isinstance(error, errors.ForeignAnswer)


async def test_an_answer_without_end_is_left() -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Klaviyo-Req-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    assert isinstance(await received(flood, largest=1_000_000), errors.UnreadableAnswer)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Klaviyo-Req-Id: 1\r\nContent-Length: 1000\r\n\r\n{"])
async def test_a_drip_ends_in_time(start) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(start or b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            await asyncio.sleep(0.05)
            writer.write(b"x" if start else b"X-A: 1\r\n")

    began = time.monotonic()
    error = await received(drip, longest=0.5, timeout=httpx2.Timeout(10))
    assert isinstance(error, errors.AnswerTimeout)
    assert time.monotonic() - began < 8


async def test_a_204_with_a_body_spoils_no_later_answer() -> None:
    for headers in ({}, {"X_Klaviyo_Req_Id": "1"}):
        async with stub(
            http(204, b'{"x":1}', close=False, **headers), http(200, json.dumps(RECORD).encode(), close=False, **OWN)
        ) as wire:
            pool = HttpPool()
            client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire.url)
            assert (await client.send(DELETE, WaitBudget(0))).status == 204
            assert (await client.send(POST, WaitBudget(0))).document == RECORD
            await pool.close()


@pytest.mark.parametrize(
    "header",
    [
        {"RateLimit_Limit": "9" * 5000},
        {"RateLimit_Reset_Daily": "9" * 12, "RateLimit_Remaining_Daily": "1"},
        {"RateLimit_Remaining": "\u00e9\u00b2"},
        {"X_Klaviyo_Partial_Failure": "\x1b[2J" * 500},
        {"Content_Type": "\u00ff"},
    ],
)
async def test_a_senseless_header_spoils_no_answer(header) -> None:
    reply = await received(http(200, json.dumps(RECORD).encode(), **{**OWN, **header}))
    assert isinstance(reply, Reply)
    assert len(reply.partial_failure or "") <= 200


@pytest.mark.parametrize(
    "after", ["Fri, 31 Dec 9999 23:59:59 -1200", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000, "-5", "\u00ff", "1, 2"]
)
async def test_a_senseless_retry_after_leaves_a_moment_that_can_be_told(after) -> None:
    body = b'{"errors":[{"code":"throttled","title":"T","detail":"D"}]}'
    error = await received(http(429, body, Retry_After=after, **OWN))
    assert isinstance(error, errors.Throttled)
    assert error.retry_at is not None
    assert error.retry_at.year < 2100


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b"<html>Log in</html>", {"Content_Type": "text/html"}),
        (200, b"", {}),
        (204, b"", {}),
        (200, b"null", {"Content_Type": "application/json"}),
        (200, b"[1,2]", {"Content_Type": "application/json"}),
        (200, b"5", {"Content_Type": "application/json"}),
        (200, b'{"data":"x"}', {"Content_Type": "application/json"}),
        (200, b'{"ok":true}', {"Content_Type": "application/json"}),
        (303, b"", {"Location": "/login"}),
        *(
            (status, b"<html>", {"Content_Type": "text/html"})
            for status in (400, 401, 403, 404, 408, 409, 413, 423, 499)
        ),
        (403, b'{"errors":[{"message":"blocked"}]}', {"Content_Type": "application/json"}),
    ],
)
async def test_what_does_not_show_that_it_is_klaviyos_tells_nothing_of_a_write(status, body, headers) -> None:
    error = await received(http(status, body, **headers))
    assert isinstance(error, errors.ForeignAnswer)
    assert error.outcome is RequestOutcome.UNKNOWN


async def test_klaviyos_own_2xx_without_the_record_that_it_documents_was_carried_out() -> None:
    for body in (b"", b"null", b'{"data":"x"}', b"<html>"):
        error = await received(http(200, body, **OWN))
        assert isinstance(error, errors.UnreadableAnswer)


async def test_an_empty_answer_is_klaviyos_where_one_is_documented() -> None:
    for status in (202, 204):
        assert isinstance(await received(http(status), outgoing=DELETE), Reply)
    # The live service answers the deletion of a template so.
    assert isinstance(await received(http(200, **OWN), outgoing=DELETE), Reply)
    assert isinstance(await received(http(200), outgoing=DELETE), errors.ForeignAnswer)
