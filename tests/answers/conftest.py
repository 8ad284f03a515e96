"""Calls whose answers are looked at: against a sandbox, and against a Klaviyo that answers what a test says."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.answers.shape import Answer, shape
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, create_app

Answering = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def engine(registry: Registry) -> Engine:
    return Engine(registry)


def opened(transport: httpx2.AsyncBaseTransport) -> Account:
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(transport), pace=False), api_key=API_KEY)


@pytest.fixture
def sandbox(engine: Engine) -> Answering:
    """`await sandbox("get_lists", …)`: the answer of a sandbox of the test's own, whose jobs are done at once."""
    account = opened(httpx2.ASGITransport(app=create_app(rate_limits=False, job_seconds=0)))

    async def call(action: str, /, **arguments: Any) -> Answer:
        return shape(await engine.run(Call(action, arguments), account))

    return call


@pytest.fixture
def answered(engine: Engine) -> Answering:
    """`await answered(status, body, action, arguments, **headers)`: the answer when Klaviyo answers so."""

    async def call(status: int, body: Any, action: str, arguments: dict[str, Any], **headers: str) -> Answer:
        def respond(_: httpx2.Request) -> httpx2.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return httpx2.Response(status, json=body, headers=named)

        try:
            # Half a second of patience: what Klaviyo asks to wait for is not what these tests are about.
            patient = Engine(engine.registry, max_wait=0.5)
            return shape(await patient.run(Call(action, arguments), opened(httpx2.MockTransport(respond))))
        except (ActionError, KlaviyoError) as error:
            return explain(error, action, engine.registry)

    return call
