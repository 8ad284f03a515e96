"""A preview shows, request for request, what the run then sends: every action, every example, the sandbox behind."""

import json
import re
from itertools import takewhile
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
from tests.catalogue import REGISTRY

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.plan import Planner
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app

EXAMPLES = [(action.name, index) for action in REGISTRY.actions for index in range(len(action.spec.examples))]
Seen = tuple[str, str, str]


class Watched(httpx2.ASGITransport):
    """The sandbox, and what was asked of it: method, target, body."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False, job_seconds=0, estimation_seconds=0))
        self.seen: list[Seen] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = (await request.aread()).decode("utf-8", "replace")
        is_json = "json" in request.headers.get("Content-Type", "")
        body = _keyed(json.dumps(json.loads(content), sort_keys=True)) if is_json else ""
        # The public key is the account's, and a preview is made without one.
        target = re.sub(rf"[?&]company_id={COMPANY_ID}$", "", request.url.raw_path.decode())
        self.seen.append((request.method, unquote(target), body))
        return await super().handle_async_request(request)


@pytest.fixture(scope="module")
def watched() -> tuple[Account, list[Seen]]:
    transport = Watched()
    endpoint = Endpoint("http://sandbox", HttpPool(transport), pace=False)
    return open_account("sandbox", endpoint, api_key=API_KEY, company_id=COMPANY_ID), transport.seen


@pytest.mark.parametrize(("name", "index"), EXAMPLES, ids=[f"{name}-{index}" for name, index in EXAMPLES])
async def test_a_preview_is_what_the_run_sends(name: str, index: int, watched: Any) -> None:
    account, seen = watched
    engine = Engine(REGISTRY)
    call = Call(name, REGISTRY[name].spec.examples[index].arguments)
    plan = preview(engine.plan(call)).data
    shown = list(_shown(plan))
    goes_on = "max_records" in call.arguments
    steps = plan.get("steps", [])
    known = [*takewhile(lambda step: "depends_on" not in step, steps)]
    # What expressions know of the account is read once in a while, whatever is called.
    await engine.facts(account)
    seen.clear()
    try:
        await engine.run(call, account)
    except (ActionError, KlaviyoError):
        if REGISTRY[name].spec.consequences.refuses:
            sent = [request for request in seen if request[0] != "GET"]
            assert sent in ([], [request for request in shown if request[0] != "GET"])
            return
        # Examples name things that this shop may not have: what was asked until then is what was shown, in its order.
        assert sorted(seen)[: len(shown)] == sorted(shown[: len(seen)])
    else:
        if REGISTRY[name].spec.consequences.refuses:
            # What decides whether it may be done is looked up in as many reads as that takes.
            seen[:] = [request for request in seen if request[0] != "GET"]
        if known == steps:
            assert sorted(seen[: len(shown)] if goes_on else seen) == sorted(shown)
        else:
            # What is not known before the run comes between the others: these are sent once each, and in their order.
            first = list(_shown({**plan, "steps": known}))
            assert seen[: len(first)] == first
            assert [request for request in seen if request in shown] == shown


def _shown(plan: dict[str, Any]) -> Any:
    """The requests that a preview shows, in the order in which they are sent."""
    for part in [plan, *plan.get("steps", [])]:
        for check in part.get("checks_first", []):
            if "arguments" not in check:
                continue
            # Whole, as rules read: an agent's own call of it would be shown fewer fields.
            planned = Planner(Gate(REGISTRY)).plan(REGISTRY[check["action"]], check["arguments"])
            (request,) = preview(planned).data["requests"]
            yield _plain(request)
        for request in part.get("requests", []):
            yield _plain(request)


def _plain(request: dict[str, Any]) -> Seen:
    body = _keyed(json.dumps(request["body"], sort_keys=True)) if "body" in request else ""
    return request["method"], unquote(request["path"]), body


def _keyed(body: str) -> str:
    """A body without the digits of the idempotency keys that are generated for each plan anew."""
    return re.sub("mcp-[0-9a-f]{32}", "mcp-KEY", body)
