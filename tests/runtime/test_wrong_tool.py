"""A run tool that is given a call of another effect: refused before the account is asked, where that can be known."""

from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.policy import Policy, Rule
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_sandbox import API_KEY, create_app

REPORT: dict[str, Any] = {"statistics": ["conversion_value"], "timeframe": {"key": "last_30_days"}}
NOTHING_SENT = "Nothing was sent to Klaviyo."


class Shop(httpx2.ASGITransport):
    """The sandbox, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False))
        self.seen: list[str] = []
        self.endpoint = Endpoint("http://sandbox", HttpPool(self), pace=False)
        self.accounts = OneAccount(open_account("shop", self.endpoint, api_key=API_KEY), self.endpoint)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        return await super().handle_async_request(request)

    async def refused(self, engine: Engine, only: Effect, action: str, **arguments: Any) -> dict[str, Any]:
        response = await answer_call(engine, self.accounts, Call(action, arguments), only=only)
        assert response.is_error, response.text
        return response.answer.data["error"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def engine(registry: Registry) -> Engine:
    return Engine(registry)


@pytest.mark.parametrize(
    ("only", "action", "arguments", "tool"),
    [
        ("write", "query_campaign_values", REPORT, "run_read_action"),
        ("write", "monthly_revenue", {}, "run_read_action"),
        ("destructive", "get_list", {"id": "name:VIP customers"}, "run_read_action"),
        ("read", "update_list", {"id": "name:VIP customers", "name": "Our best"}, "run_write_action"),
        ("write", "delete_list", {"id": "name:VIP customers"}, "run_destructive_action"),
        ("read", "draft_campaign", {"audience": "name:VIP customers"}, "run_write_action"),
    ],
)
async def test_where_no_arguments_could_change_it_the_account_is_not_asked(
    shop: Shop, engine: Engine, only: Effect, action: str, arguments: dict[str, Any], tool: str
) -> None:
    error = await shop.refused(engine, only, action, **arguments)
    assert (error["code"], error["outcome"]) == ("wrong_tool", NOTHING_SENT)
    assert tool in error["next_step"]
    assert shop.seen == []


async def test_where_arguments_decide_what_was_looked_up_for_them_is_not_denied(shop: Shop, engine: Engine) -> None:
    error = await shop.refused(engine, "destructive", "update_list", id="name:VIP customers", name="Our best")
    assert error["code"] == "wrong_tool"
    assert "run_write_action" in error["next_step"]
    assert shop.seen
    assert all(seen.startswith("GET ") for seen in shop.seen)
    assert error["outcome"] != NOTHING_SENT


async def test_an_unknown_action_is_told_as_one_and_a_forbidden_one_by_its_rule(shop: Shop, registry: Registry) -> None:
    policy = Policy((Rule("keep", "rule 'keep'", frozenset({"delete_list"}), forbid=True),))
    assert (await shop.refused(Engine(registry), "write", "get_lsit"))["code"] == "unknown_action"
    error = await shop.refused(Engine(registry, policy=policy), "write", "delete_list", id="AbCdEf")
    assert error["code"] == "policy"
    assert (await shop.refused(Engine(registry, read_only=True), "read", "delete_list", id="AbCdEf"))["code"] != (
        "wrong_tool"
    )


async def test_the_tool_of_its_effect_runs_it(shop: Shop, engine: Engine) -> None:
    response = await answer_call(engine, shop.accounts, Call("get_list", {"id": "name:VIP customers"}), only="read")
    assert not response.is_error
