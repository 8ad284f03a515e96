"""An argument that may be left out is found in the account: what was taken is told, and nothing is guessed."""

from collections.abc import Callable
from typing import Any, get_args

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.defaults import DEFAULTS
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.klaviyo.errors import AuthenticationFailed
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.model import DefaultFinder
from klaviyo_sandbox import API_KEY, create_app

TOTALS: dict[str, Any] = {"statistics": ["conversion_value"], "timeframe": {"key": "last_30_days"}}
REPORTS: dict[str, dict[str, Any]] = {
    "query_campaign_values": TOTALS,
    "query_flow_values": TOTALS,
    "query_flow_series": {**TOTALS, "interval": "weekly"},
}


class Shop(httpx2.ASGITransport):
    """The sandbox, with what its answers to some paths are replaced by, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False))
        self.seen: list[str] = []
        self.answers: dict[str, tuple[int, Any]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        if (answer := self.answers.get(request.url.path)) is not None:
            status, document = answer
            return httpx2.Response(status, json=document, headers={"content-type": "application/vnd.api+json"})
        return await super().handle_async_request(request)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def account(shop: Shop) -> Account:
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)


def test_a_spec_can_name_what_there_is_a_way_to_find() -> None:
    assert set(DEFAULTS) == set(get_args(DefaultFinder))


NO_SUCH = {"errors": [{"id": "1", "status": 404, "code": "not_found", "title": "Not found.", "detail": "No metric."}]}


def unmapped(shop: Shop, *metrics: tuple[str, str, str, str]) -> None:
    """No metric is mapped to revenue, and the account has these: id, name, integration and its category."""
    for kind in ("metric", "custom-metric"):
        shop.answers[f"/api/mapped-metrics/revenue/{kind}"] = (404, NO_SUCH)
    shop.answers["/api/metrics"] = (
        200,
        {
            "data": [
                {
                    "type": "metric",
                    "id": one,
                    "attributes": {"name": name, "integration": {"name": of, "category": category}},
                }
                for one, name, of, category in metrics
            ],
            "links": {"next": None},
        },
    )


async def refused(engine: Engine, account: Account, action: str = "query_campaign_values") -> str:
    with pytest.raises(InvalidArguments) as error:
        await engine.planned(Call(action, REPORTS[action]), account)
    (problem,) = error.value.problems
    return str(problem)


@pytest.mark.parametrize("action", REPORTS)
async def test_a_report_takes_the_metric_that_is_mapped_to_revenue(
    engine: Engine, account: Account, shop: Shop, action: str
) -> None:
    (mapped,) = (await engine.run(Call("get_metric_for_mapped_metric", {"id": "revenue"}), account)).records
    outcome = await engine.run(Call(action, REPORTS[action]), account)
    told = f"{mapped['id']} ({mapped['name']}, the account's revenue metric)"
    assert outcome.understood.read_as["conversion_metric_id"] == told
    assert outcome.arguments["conversion_metric_id"] == mapped["id"]


async def test_what_is_given_is_taken_and_nothing_is_looked_up(engine: Engine, account: Account, shop: Shop) -> None:
    metrics = (await engine.run(Call("get_metrics"), account)).records
    (opened,) = [metric for metric in metrics if metric["name"] == "Opened Email"]
    shop.seen.clear()
    call = Call("query_campaign_values", {**TOTALS, "conversion_metric_id": opened["id"]})
    outcome = await engine.run(call, account)
    assert outcome.understood.read_as == {}
    assert shop.seen == ["POST /api/campaign-values-reports"]


async def test_it_is_looked_up_once_for_all_reports_until_something_is_written(
    engine: Engine, account: Account, shop: Shop
) -> None:
    mapped = "GET /api/mapped-metrics/revenue/metric"
    for action, arguments in REPORTS.items():
        await engine.planned(Call(action, arguments), account)
    assert shop.seen == [mapped]
    await engine.run(Call("create_list", {"name": "Any"}), account)
    await engine.planned(Call("query_flow_values", TOTALS), account)
    assert shop.seen.count(mapped) == 2


async def test_without_a_mapping_it_is_placed_order_of_a_shop(engine: Engine, account: Account, shop: Shop) -> None:
    unmapped(
        shop,
        ("Aaaaaa", "Placed Order", "API", "API"),
        ("Bbbbbb", "Placed Order", "Shopify", "eCommerce"),
        ("Cccccc", "Viewed Product", "Shopify", "eCommerce"),
    )
    plan = await engine.planned(Call("query_campaign_values", TOTALS), account)
    told = "Bbbbbb (Placed Order of Shopify, as no metric is mapped to revenue)"
    assert plan.understood.read_as == {"conversion_metric_id": told}


async def test_of_several_none_is_taken(engine: Engine, account: Account, shop: Shop) -> None:
    unmapped(
        shop, ("Aaaaaa", "Placed Order", "Magento", "eCommerce"), ("Bbbbbb", "Placed Order", "Shopify", "eCommerce")
    )
    line = await refused(engine, account)
    assert line.startswith("conversion_metric_id: is left out, the account maps no metric to revenue, and several")
    assert line.endswith("Give the one that is meant: Aaaaaa (Magento), Bbbbbb (Shopify).")
    assert not any("reports" in seen for seen in shop.seen)


async def test_where_there_is_none_the_error_says_how_to_find_one(engine: Engine, account: Account, shop: Shop) -> None:
    unmapped(shop)
    line = await refused(engine, account)
    assert line.startswith("conversion_metric_id: is left out, and the account maps no metric to revenue")
    assert "get_metrics" in line
    assert not any("reports" in seen for seen in shop.seen)


async def test_a_look_that_fails_is_told_and_nothing_is_taken(engine: Engine, account: Account, shop: Shop) -> None:
    shop.answers["/api/mapped-metrics/revenue/metric"] = (
        403,
        {"errors": [{"id": "1", "status": 403, "code": "permission_denied", "title": "No.", "detail": "No scope."}]},
    )
    line = await refused(engine, account)
    assert "conversion_metric_id: is left out, and the account's revenue metric could not be looked up (" in line
    assert "get_metrics" in line


async def test_without_a_key_that_is_accepted_no_argument_is_to_blame(
    engine: Engine, account: Account, shop: Shop
) -> None:
    refusal = {"id": "1", "status": 401, "code": "not_authenticated", "title": "No.", "detail": "No key."}
    shop.answers["/api/mapped-metrics/revenue/metric"] = (401, {"errors": [refusal]})
    with pytest.raises(AuthenticationFailed):
        await engine.planned(Call("query_campaign_values", TOTALS), account)


async def test_other_mistakes_are_told_before_anything_is_looked_up(
    engine: Engine, account: Account, shop: Shop
) -> None:
    with pytest.raises(InvalidArguments) as error:
        await engine.planned(Call("query_campaign_values", {"statistics": ["conversion_value"]}), account)
    assert [problem.argument for problem in error.value.problems] == ["timeframe"]
    assert shop.seen == []


def test_without_an_account_a_preview_says_that_it_will_be_looked_up(
    engine: Engine, request_of: Callable[..., dict[str, Any]]
) -> None:
    plan = engine.plan(Call("query_campaign_values", TOTALS))
    told = {"conversion_metric_id": "the account's revenue metric, looked up when this is called"}
    assert plan.understood.read_as == told
    attributes = request_of("query_campaign_values", **TOTALS)["body"]["data"]["attributes"]
    assert "conversion_metric_id" not in attributes
