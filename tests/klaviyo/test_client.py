"""The HTTP client: what it sends, and how every failure becomes an error that says what became of the request."""

import json
from datetime import UTC, datetime

import httpx2
import pytest

from klaviyo_mcp.klaviyo import errors
from klaviyo_mcp.klaviyo.errors import RequestOutcome
from klaviyo_mcp.klaviyo.requests import REVISION, ApiRequest, WaitBudget

GET = ApiRequest("GET", "/api/lists", operation="get_lists")
POST = ApiRequest("POST", "/api/lists", body={"data": {"type": "list"}}, operation="create_list")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\nContent-Length: 11\r\n\r\n" + b'{"data":[]}'


def answer(status: int, body: object = b"", **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [] if isinstance(body, bytes) else ["Content-Type: application/vnd.api+json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def problem(status: int, code: str, detail: str, **more: object) -> dict[str, object]:
    return {"errors": [{"id": "x", "status": status, "code": code, "title": "T", "detail": detail, **more}]}


async def send(wire, outgoing=GET, wait: float = 0.0, **options):
    async with wire.client(**options) as client:
        return await client.send(outgoing, WaitBudget(wait))


async def test_a_request_carries_revision_media_types_agent_and_key(answering) -> None:
    async with answering(OK) as wire:
        await send(wire, POST)
    head, _, body = wire.requests[0].decode().partition("\r\n\r\n")
    lines = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in head.splitlines()[1:]}
    assert head.startswith("POST /api/lists HTTP/1.1")
    assert lines["revision"] == REVISION
    assert lines["accept"] == lines["content-type"] == "application/vnd.api+json"
    assert lines["x-klaviyo-revision-fall-forward-opt-out"] == "1"
    assert lines["user-agent"].startswith("klaviyo-mcp/")
    assert lines["authorization"] == "Klaviyo-API-Key pk_secret"
    assert json.loads(body) == {"data": {"type": "list"}}


async def test_a_request_for_another_revision_says_so(answering) -> None:
    async with answering(OK) as wire:
        await send(wire, ApiRequest("GET", "/api/lists", revision="2025-10-15.pre"))
    assert b"revision: 2025-10-15.pre\r\n" in wire.requests[0]


async def test_the_key_never_goes_to_the_client_endpoints_and_the_company_id_does(answering) -> None:
    async with answering(OK) as wire:
        await send(wire, ApiRequest("POST", "/client/events", body={}, needs_company_id=True), company_id="ABC123")
    request = wire.requests[0].decode()
    assert request.startswith("POST /client/events?company_id=ABC123 ")
    assert "pk_secret" not in request
    assert "authorization" not in request.lower()


async def test_a_client_endpoint_without_a_company_id_is_not_sent(answering) -> None:
    async with answering(OK) as wire:
        with pytest.raises(errors.CompanyIdMissing):
            await send(wire, ApiRequest("POST", "/client/events", body={}, needs_company_id=True))
    assert wire.requests == []


async def test_a_body_over_five_megabytes_is_refused_before_it_is_sent(answering) -> None:
    async with answering(OK) as wire:
        with pytest.raises(errors.BodyTooLarge) as error:
            await send(wire, ApiRequest("POST", "/api/lists", body={"text": "é" * 2_600_000}))
    assert error.value.outcome is RequestOutcome.NOT_SENT
    assert wire.requests == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequest),
        (401, errors.AuthenticationFailed),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (405, errors.MethodNotAllowed),
        (409, errors.Conflict),
        (410, errors.RevisionRetired),
        (413, errors.PayloadTooLarge),
        (415, errors.UnsupportedMediaType),
        (422, errors.InvalidRequest),
    ],
)
async def test_a_refusal_has_a_class_and_says_that_nothing_was_changed(answering, status, kind) -> None:
    async with answering(
        answer(status, problem(status, "code", "Detail here.", source={"pointer": "/data/id"}))
    ) as wire:
        with pytest.raises(kind) as error:
            await send(wire)
    assert error.value.outcome is RequestOutcome.REFUSED
    assert error.value.status == status
    assert error.value.message == f'Klaviyo answered {status}: "Detail here." (/data/id)'


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
async def test_a_server_error_leaves_open_whether_it_was_done(answering, status) -> None:
    async with answering(answer(status, problem(status, "error", "A server error occurred."))) as wire:
        with pytest.raises(errors.ServerError) as error:
            await send(wire, POST)
    assert error.value.outcome is RequestOutcome.UNKNOWN
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html><script>alert(1)</script>Just a moment</html>", b"[1]", b'{"errors": 5}']
)
async def test_a_refusal_that_is_not_klaviyos_says_so_without_quoting_it(answering, body) -> None:
    async with answering(answer(403, body)) as wire:
        with pytest.raises(errors.ForeignAnswer) as error:
            await send(wire, POST)
    assert error.value.outcome is RequestOutcome.UNKNOWN
    assert "script" not in error.value.message
    assert "403" in error.value.message


async def test_a_redirect_is_not_followed(answering) -> None:
    async with answering(answer(302, b"", Location="http://127.0.0.1:1/evil")) as wire:
        with pytest.raises(errors.Redirected):
            await send(wire)
    assert len(wire.requests) == 1


async def test_a_success_that_cannot_be_read_is_said_to_be_done(answering) -> None:
    async with answering(answer(200, b'{"data', X_Klaviyo_Req_Id="1")) as wire:
        with pytest.raises(errors.UnreadableAnswer) as error:
            await send(wire, POST)
    assert error.value.outcome is RequestOutcome.DONE


async def test_an_empty_body_is_fine(answering) -> None:
    async with answering(answer(202)) as wire:
        reply = await send(wire, POST)
    assert (reply.status, reply.document) == (202, None)


async def test_a_reset_after_sending_leaves_open_whether_it_was_done(answering) -> None:
    async with answering(None) as wire:
        with pytest.raises(errors.ConnectionLost) as error:
            await send(wire, POST)
    assert error.value.outcome is RequestOutcome.UNKNOWN
    assert len(wire.requests) == 1


async def test_a_truncated_answer_leaves_open_whether_it_was_done(answering) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{") as wire:
        with pytest.raises(errors.ConnectionLost):
            await send(wire, POST)


async def test_no_answer_in_time_leaves_open_whether_it_was_done(answering) -> None:
    async with answering(b"") as wire:
        with pytest.raises(errors.AnswerTimeout) as error:
            await send(wire, POST, timeout=httpx2.Timeout(0.2))
    assert error.value.outcome is RequestOutcome.UNKNOWN


async def test_no_connection_means_nothing_was_sent() -> None:
    from klaviyo_mcp.klaviyo.client import KlaviyoClient
    from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
    from klaviyo_mcp.klaviyo.pool import HttpPool

    client = KlaviyoClient(ApiKeyAuth("pk_x"), HttpPool(), base_url="http://127.0.0.1:1")
    with pytest.raises(errors.ConnectionFailed) as error:
        await client.send(GET, WaitBudget(0))
    assert error.value.outcome is RequestOutcome.NOT_SENT


async def test_a_short_retry_after_is_waited_for_and_a_write_is_sent_again_since_429_means_not_done(answering) -> None:
    throttled = answer(429, problem(429, "throttled", "Expected available in 1 second."), Retry_After="1")
    async with answering(throttled, answer(201, {"data": {"type": "list", "id": "L"}})) as wire:
        reply = await send(wire, POST, wait=5.0)
    assert reply.status == 201
    assert len(wire.requests) == 2


async def test_a_long_retry_after_is_answered_with_the_time_to_come_back(answering) -> None:
    async with answering(answer(429, problem(429, "throttled", "Slow down."), Retry_After="67608")) as wire:
        with pytest.raises(errors.Throttled) as error:
            await send(wire, wait=30.0)
    assert error.value.retry_at is not None
    assert 67_000 < (error.value.retry_at - datetime.now(UTC)).total_seconds() < 68_000
    assert len(wire.requests) == 1


async def test_a_duplicate_names_the_profile_that_exists(answering) -> None:
    body = problem(409, "duplicate_profile", "A profile already exists.", meta={"duplicate_profile_id": "01H"})
    async with answering(answer(409, body)) as wire:
        with pytest.raises(errors.Conflict) as error:
            await send(wire, POST)
    assert error.value.duplicate_profile_id == "01H"


async def test_the_quota_headers_are_read(answering) -> None:
    limits = {"RateLimit_Limit": "1, 1;w=1, 2;w=60, 225;w=86400", "RateLimit_Remaining": "0", "RateLimit_Reset": "1"}
    daily = {"RateLimit_Remaining_Daily": "221", "RateLimit_Reset_Daily": "69112"}
    async with answering(answer(200, {"data": []}, **limits, **daily)) as wire:
        quota = (await send(wire)).quota
    assert (quota.limit, quota.remaining, quota.remaining_today, quota.reset_today_seconds) == (1, 0, 221, 69112)


def test_no_error_and_no_repr_holds_the_key() -> None:
    from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth

    assert "pk_secret" not in repr(ApiKeyAuth("pk_secret"))


def test_every_error_says_what_became_of_the_request_and_what_to_do() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.KlaviyoError)]
    leaves = [kind for kind in kinds if not kind.__subclasses__()]
    assert len(leaves) > 15
    for kind in leaves:
        assert kind.code != errors.KlaviyoError.code
        # What to do after an unknown outcome depends on the action, and is said where the action is known.
        assert kind.advice or kind.outcome is RequestOutcome.UNKNOWN, kind


@pytest.mark.parametrize("wait", ["nan", "inf", "1e300", "-5", "soon", ""])
async def test_a_senseless_retry_after_is_still_a_429(answering, wait) -> None:
    async with answering(answer(429, problem(429, "throttled", "Slow down."), Retry_After=wait)) as wire:
        with pytest.raises(errors.Throttled):
            await send(wire, wait=0.0)
