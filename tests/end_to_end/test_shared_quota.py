"""Processes that count together in a Redis: what one has used, the next knows, and nobody waits for want of it."""

import json
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess

import httpx2
import pytest

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

REPORT = json.dumps({"statistics": ["viewed_form"], "timeframe": {"key": "last_12_months"}})
Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
def url() -> Iterator[str]:
    with serve(create_app(profiles=3)) as url:
        yield url


def test_a_process_knows_what_others_have_used(command: Command, redis_server, url: str) -> None:
    settings = {"KLAVIYO_BASE_URL": url, "KLAVIYO_API_KEY": API_KEY, "KLAVIYO_MCP_QUOTA_URL": redis_server.url}
    for _ in range(2):
        answer = command("call", "query_form_values", "--json", REPORT, **settings)
        assert answer.returncode == 0, answer.stderr
    refused = command("call", "query_form_values", "--json", REPORT, KLAVIYO_MCP_MAX_WAIT="0.5", **settings)
    error = json.loads(refused.stdout)["error"]
    assert error["code"] == "quota_exhausted"
    assert error["outcome"] == "Nothing was sent to Klaviyo."
    assert error["retry_at"]
    assert [entry["status"] for entry in httpx2.get(f"{url}/_sandbox/requests").json()].count(429) == 0


def test_without_redis_a_call_is_answered_with_a_warning_and_no_secret(command: Command, url: str) -> None:
    settings = {"KLAVIYO_BASE_URL": url, "KLAVIYO_API_KEY": API_KEY, "KLAVIYO_COMPANY_ID": COMPANY_ID}
    settings["KLAVIYO_MCP_QUOTA_URL"] = "redis://:sEcReT-password@127.0.0.1:1/0"
    answer = command("call", "get_lists", **settings)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.count("Redis at 127.0.0.1:1 does not answer") == 1
    checks = command("doctor", **settings).stdout
    assert "Redis at 127.0.0.1:1 does not answer" in checks
