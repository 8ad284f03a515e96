"""The six reports of the demo shop, read once over a sandbox, and what was asked of Klaviyo for each."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

ASKED: dict[str, dict[str, Any]] = {
    "weekly_report": {"period": "last_30_days"},
    "campaigns_report": {"period": "last_12_months", "compare": "none"},
    "flows_report": {"period": "last_90_days"},
    "segments_report": {},
    "cohorts_report": {},
    "list_health_report": {},
}
Made = dict[str, tuple[dict[str, Any], Counter[str]]]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture(scope="session")
def made(sandbox: str, registry: Registry) -> Made:
    """By report: its answer, and how often each operation was asked for it."""
    endpoint, engine = Endpoint(sandbox, pace=False), Engine(registry)

    async def run() -> Made:
        found: Made = {}
        for name, arguments in ASKED.items():
            # An account of its own for each: what one report has read is not there for the next.
            accounts = OneAccount(open_account("shop", endpoint, api_key=API_KEY), endpoint)
            last = httpx2.get(f"{sandbox}/_sandbox/requests?last=1").json()
            response = await answer_call(engine, accounts, Call(name, arguments), budget=1_000_000)
            assert not response.is_error, response.text
            seen = httpx2.get(f"{sandbox}/_sandbox/requests?after={last[-1]['number'] if last else 0}").json()
            found[name] = response.answer.data, Counter(entry["operation"] for entry in seen)
        await endpoint.close()
        return found

    return anyio.run(run)
