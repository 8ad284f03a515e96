"""What is sent again, after which fault; what the wire saw is what counts."""

import json
from datetime import UTC, datetime

import anyio
import pytest
from tests.klaviyo.stub import OWN, Answer, Stub, http, stub

from klaviyo_mcp.klaviyo import errors
from klaviyo_mcp.klaviyo.breaker import FIRST_PAUSE, OPENS_AFTER, Breaker
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import RequestOutcome
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import ApiRequest, Bucket, Repeatable, Reply, WaitBudget

DONE = http(200, b'{"data":{"type":"list","id":"L1"}}', **OWN)
BODY = {"data": {"type": "list"}}


def refusal(status: int, code: str = "error", **headers: str) -> bytes:
    document = {"errors": [{"code": code, "title": "T", "detail": "Words."}]}
    return http(status, json.dumps(document).encode(), **OWN, **headers)


def request(repeatable: Repeatable, **more: object) -> ApiRequest:
    if repeatable == "read":
        return ApiRequest("GET", "/api/lists/L1", repeatable="read", **more)  # type: ignore[arg-type]
    return ApiRequest("POST", "/api/lists", body=BODY, repeatable=repeatable, **more)  # type: ignore[arg-type]


async def sent(outgoing: ApiRequest, *answers: Answer, wait: float = 30.0) -> tuple[Reply | errors.KlaviyoError, Stub]:
    async with stub(*answers) as wire:
        pool = HttpPool()
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire.url)
        try:
            return await client.send(outgoing, WaitBudget(wait)), wire
        except errors.KlaviyoError as error:
            return error, wire
        finally:
            await pool.close()


PASSING = [
    pytest.param(None, id="reset"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{", id="half"),
    pytest.param(refusal(500), id="500"),
    pytest.param(refusal(503, Retry_After="1"), id="503 Retry-After"),
    pytest.param(http(502, b"<html>"), id="502 html"),
    pytest.param(http(524), id="524"),
    pytest.param(http(499), id="499 proxy"),
    pytest.param(http(408), id="408 proxy"),
]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("repeatable", ["read", "idempotent"])
async def test_what_is_harmless_is_sent_again_after_a_fault_that_passes(fault, repeatable) -> None:
    reply, wire = await sent(request(repeatable), fault, DONE)
    assert isinstance(reply, Reply)
    assert reply.attempts == len(wire.requests) == 2
    assert len(reply.before) == 1


@pytest.mark.parametrize("fault", PASSING)
async def test_any_other_write_is_sent_once_and_its_outcome_stays_open(fault) -> None:
    error, wire = await sent(request("once"), fault, DONE)
    assert isinstance(error, errors.OutcomeUnknown)
    assert error.outcome is RequestOutcome.UNKNOWN
    assert len(wire.requests) == 1


@pytest.mark.parametrize("answer", [http(200, b"<html>log in"), http(403, b"no"), http(303, Location="/login")])
async def test_what_a_person_has_to_mend_is_not_asked_again(answer) -> None:
    for repeatable in ("read", "idempotent", "once"):
        error, wire = await sent(request(repeatable), answer, DONE)
        assert isinstance(error, errors.ForeignAnswer)
        assert len(wire.requests) == 1


async def test_attempts_end() -> None:
    error, wire = await sent(request("read"), refusal(500))
    assert isinstance(error, errors.ServerError)
    assert error.attempts == len(wire.requests) == 3


async def test_a_read_of_a_daily_quota_is_asked_twice_at_most() -> None:
    error, wire = await sent(request("read", buckets=(Bucket("report", 225, 86_400),)), refusal(500))
    assert isinstance(error, errors.ServerError)
    assert len(wire.requests) == 2


async def test_a_write_that_klaviyo_throttles_is_sent_again() -> None:
    reply, wire = await sent(request("once"), refusal(429, "throttled", Retry_After="1"), DONE)
    assert isinstance(reply, Reply)
    assert len(wire.requests) == 2


async def test_a_429_that_is_not_klaviyos_does_not_show_that_a_write_was_not_done() -> None:
    error, wire = await sent(request("once"), http(429, b"slow down", Retry_After="1"), DONE)
    assert isinstance(error, errors.ForeignAnswer)
    assert len(wire.requests) == 1


async def test_a_refusal_after_an_attempt_of_unknown_outcome_leaves_it_open() -> None:
    error, wire = await sent(request("idempotent"), None, refusal(404, "not_found"))
    assert isinstance(error, errors.NotFound)
    assert error.outcome is RequestOutcome.UNKNOWN
    assert len(wire.requests) == 2


async def test_a_refusal_after_a_wait_is_a_refusal() -> None:
    error, _ = await sent(request("once"), refusal(429, "throttled", Retry_After="1"), refusal(404, "not_found"))
    assert isinstance(error, errors.NotFound)
    assert error.outcome is RequestOutcome.REFUSED


async def test_a_wait_that_is_too_long_is_told_instead() -> None:
    error, wire = await sent(request("read"), refusal(503, Retry_After="600"), DONE)
    assert isinstance(error, errors.ServerError)
    assert error.retry_at is not None
    assert 590 < (error.retry_at - datetime.now(UTC)).total_seconds() < 602
    assert len(wire.requests) == 1


async def test_no_attempt_begins_when_the_call_has_to_be_over() -> None:
    async with stub(refusal(500)) as wire:
        pool = HttpPool()
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire.url)
        with pytest.raises(errors.DeadlinePassed) as error:
            await client.send(request("read"), WaitBudget(30, ends=0.0))
        await pool.close()
    assert error.value.outcome is RequestOutcome.NOT_SENT
    assert wire.requests == []


async def test_a_server_that_does_not_listen_yet_is_tried_again_whatever_is_sent() -> None:
    async with stub(DONE) as wire:
        url = wire.url
    pool = HttpPool()
    client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=url)
    with pytest.raises(errors.ConnectionFailed) as error:
        await client.send(request("once"), WaitBudget(30))
    await pool.close()
    assert error.value.attempts == 3
    assert error.value.outcome is RequestOutcome.NOT_SENT


async def test_a_body_that_did_not_leave_whole_cannot_have_been_carried_out() -> None:
    """The server takes the head and goes away while megabytes of body are still here."""

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    taken: list[bytes] = []

    async def serve(stream: anyio.abc.SocketStream) -> None:
        import socket
        import struct

        taken.append(await stream.receive(1000))
        await anyio.sleep(0.1)
        raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()

    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    outgoing = ApiRequest("POST", "/api/lists", body={"text": "x" * 4_900_000})
    pool = HttpPool()
    async with anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=f"http://127.0.0.1:{port}")
        with pytest.raises(errors.SentInPart) as error:
            await client.send(outgoing, WaitBudget(30))
        group.cancel_scope.cancel()
    await pool.close()
    await listener.aclose()
    assert error.value.attempts == len(taken) == 3
    assert error.value.outcome is RequestOutcome.SENT_IN_PART


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def failing(breaker: Breaker, error: errors.KlaviyoError) -> None:
    with pytest.raises(type(error)), breaker.guarding():
        raise error


def test_a_breaker_opens_after_failures_in_a_row_lets_one_probe_through_and_closes_by_a_success() -> None:
    clock = Clock()
    breaker = Breaker("k", clock)
    for _ in range(OPENS_AFTER - 1):
        failing(breaker, errors.ServerError("Oops."))
    with breaker.guarding():
        pass
    for _ in range(OPENS_AFTER):
        failing(breaker, errors.AnswerTimeout("Late."))
    with pytest.raises(errors.CircuitOpen) as held, breaker.guarding():
        raise AssertionError
    assert held.value.retry_at is not None
    assert held.value.outcome is RequestOutcome.NOT_SENT
    clock.now += FIRST_PAUSE + 1
    # While the probe is under way, no other goes.
    with breaker.guarding(), pytest.raises(errors.CircuitOpen), breaker.guarding():
        raise AssertionError
    with breaker.guarding():
        pass


def test_a_probe_that_fails_doubles_the_pause_and_one_that_is_given_up_leaves_room_for_another() -> None:
    clock = Clock()
    breaker = Breaker("k", clock)
    for _ in range(OPENS_AFTER):
        failing(breaker, errors.ConnectionLost("Gone."))
    clock.now += FIRST_PAUSE + 1
    failing(breaker, errors.ConnectionLost("Gone."))
    clock.now += FIRST_PAUSE + 1
    with pytest.raises(errors.CircuitOpen), breaker.guarding():
        raise AssertionError
    clock.now += FIRST_PAUSE
    with pytest.raises(KeyboardInterrupt), breaker.guarding():
        raise KeyboardInterrupt
    with breaker.guarding():
        pass


@pytest.mark.parametrize(
    "error", [errors.NotFound("No."), errors.CertificateRefused("No."), errors.BodyTooLarge("No.")]
)
def test_what_is_no_failure_of_klaviyos_opens_no_breaker(error) -> None:
    breaker = Breaker("k")
    for _ in range(OPENS_AFTER * 2):
        failing(breaker, error)
    with breaker.guarding():
        pass


async def test_an_open_breaker_sends_nothing_and_recovers() -> None:
    clock = Clock()
    async with stub(refusal(500)) as wire:
        pool = HttpPool()
        breaker = Breaker("k", clock)
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire.url, breaker=breaker)
        for _ in range(OPENS_AFTER):
            with pytest.raises(errors.ServerError):
                await client.send(request("once"), WaitBudget(0))
        with pytest.raises(errors.CircuitOpen):
            await client.send(request("once"), WaitBudget(0))
        assert len(wire.requests) == OPENS_AFTER
        wire.answers = [DONE]
        clock.now += FIRST_PAUSE + 1
        assert (await client.send(request("once"), WaitBudget(0))).status == 200
        await pool.close()


@pytest.mark.parametrize("repeatable", ["read", "idempotent", "once"])
async def test_a_garbled_answer_of_klaviyos_is_asked_for_again_where_that_is_harmless(repeatable) -> None:
    found, wire = await sent(request(repeatable), http(200, b'{"data', **OWN), DONE)
    if repeatable == "once":
        assert isinstance(found, errors.UnreadableAnswer)
        assert found.outcome is RequestOutcome.DONE
    assert len(wire.requests) == (1 if repeatable == "once" else 2)
