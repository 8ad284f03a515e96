"""A call that waits for quota, as its client sees it: progress where it asked for that, and words at the end."""

import os
import sys
from collections.abc import Iterator

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.warm import PROGRAM

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

BUSY = [{"operation": "get_lists", "fault": "status", "status": 429, "retry_after": 3, "count": 1}]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with serve(create_app(profiles=3)) as url:
        assert httpx2.post(f"{url}/_sandbox/faults", json=BUSY).is_success
        yield {**os.environ, "KLAVIYO_BASE_URL": url, "KLAVIYO_API_KEY": API_KEY, "KLAVIYO_COMPANY_ID": COMPANY_ID}


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_that_asks_for_progress_is_told_of_a_wait(environment: dict[str, str], mode: str) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def progress(*words: float | str | None) -> None:
        told.append(words)  # pyright: ignore[reportArgumentType]

    server = StdioServerParameters(command=sys.executable, args=[*PROGRAM[1:], "serve"], env=environment)
    async with Client(server, mode=mode) as client:
        answer = await client.call_tool("get_lists", {}, progress_callback=progress)
    assert not answer.is_error
    (waited, in_all, reason), *_ = told
    assert waited < 1 < 2 < (in_all or 0) < 4
    assert reason == "Waiting for Klaviyo's rate limit: Klaviyo asked for a pause before get_lists."
    assert answer.structured_content is not None
    (warning,) = answer.structured_content["warnings"]
    assert warning.startswith("This call waited 3 s for Klaviyo's rate limit: Klaviyo asked for a pause")


async def test_a_client_that_does_not_ask_is_not_told(environment: dict[str, str]) -> None:
    server = StdioServerParameters(command=sys.executable, args=[*PROGRAM[1:], "serve"], env=environment)
    messages: list[object] = []

    async def listen(message: object) -> None:
        messages.append(message)

    async with Client(server, message_handler=listen) as client:
        assert not (await client.call_tool("get_lists", {})).is_error
    assert not [message for message in messages if "progress" in repr(message).lower()]
