"""What is found in the account for an action of steps: for arguments of its own, and for those of steps to come."""

from typing import Any

import pytest
from tests.actions.test_defaults import NO_SUCH, TOTALS, Shop
from tests.actions.test_steps import LISTS, spec
from tests.catalogue import CATALOGUE

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY

JSON = dict[str, Any]
METRIC: JSON = {"type": "string"}
MAPPED = "/api/mapped-metrics/revenue/metric"
LOOK = f"GET {MAPPED}"
REPORT = "POST /api/campaign-values-reports"
SPECS = [*CATALOGUE]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def account(shop: Shop) -> Account:
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)


def made(*, later: bool, passed_on: bool = False, default: bool = False, **step: Any) -> ActionSpec:
    """An action whose step reads a report: at once, or `later`, once lists were read.

    It passes on its own argument `metric` where it is `passed_on`, and has a `default` for that.
    """
    arguments = {**TOTALS, **({"conversion_metric_id": "$metric"} if passed_on else {})}
    report = {"name": "report", "action": "query_campaign_values", "arguments": arguments, **step}
    if later:
        report["when"] = [*step.get("when", []), "$lists.ids"]
    found = spec([LISTS, report], {"rows": "$report.count", "lists": "$lists.count"}, metric=METRIC)
    return found.model_copy(update={"defaults": {"metric": "revenue_metric"}}) if default else found


def engine_of(*more: ActionSpec) -> Engine:
    return Engine(Registry([*SPECS, *more]))


async def run(account: Account, action: ActionSpec, **arguments: Any) -> Outcome:
    return await engine_of(action).run(Call(action.name, arguments), account)


async def revenue(account: Account) -> str:
    (found,) = (await engine_of().run(Call("get_metric_for_mapped_metric", {"id": "revenue"}), account)).records
    return found["id"]


def metric_of_the_report(outcome: Outcome) -> str:
    (part,) = [part for part in outcome.parts if part.action.name == "query_campaign_values"]
    return part.arguments["conversion_metric_id"]


@pytest.mark.parametrize("later", [False, True])
async def test_a_default_of_its_own_is_found_once_told_and_passed_on(account: Account, shop: Shop, later: bool) -> None:
    wanted = await revenue(account)
    shop.seen.clear()
    outcome = await run(account, made(later=later, passed_on=True, default=True))
    assert metric_of_the_report(outcome) == wanted
    assert outcome.understood.read_as["metric"].startswith(f"{wanted} (")
    assert [*outcome.understood.read_as] == ["metric"]
    assert shop.seen.count(LOOK) == 1
    assert shop.seen.index(LOOK) < shop.seen.index(REPORT)


@pytest.mark.parametrize("later", [False, True])
async def test_what_is_given_is_passed_on_and_nothing_is_looked_up(account: Account, shop: Shop, later: bool) -> None:
    (opened, *_) = (await engine_of().run(Call("get_metrics"), account)).records
    shop.seen.clear()
    outcome = await run(account, made(later=later, passed_on=True, default=True), metric=opened["id"])
    assert metric_of_the_report(outcome) == opened["id"]
    assert outcome.understood.read_as == {}
    assert LOOK not in shop.seen


@pytest.mark.parametrize("passed_on", [False, True])
@pytest.mark.parametrize("later", [False, True])
async def test_what_a_step_leaves_out_or_passes_on_empty_is_found_before_anything_runs(
    account: Account, shop: Shop, later: bool, passed_on: bool
) -> None:
    wanted = await revenue(account)
    shop.seen.clear()
    outcome = await run(account, made(later=later, passed_on=passed_on))
    assert metric_of_the_report(outcome) == wanted
    (named,) = outcome.understood.read_as
    assert named.rpartition(".")[2] == ("metric" if passed_on and later else "conversion_metric_id")
    assert outcome.understood.read_as[named].startswith(f"{wanted} (")
    assert shop.seen[0] == LOOK
    assert shop.seen.count(LOOK) == 1


async def test_a_step_to_come_inside_of_an_action_of_steps_is_seen_too(account: Account, shop: Shop) -> None:
    wanted = await revenue(account)
    shop.seen.clear()
    inner = made(later=True)
    step = {"name": "inner", "action": inner.name, "when": ["$lists.ids"]}
    outer = spec([LISTS, step], {"rows": "$inner.records"}).model_copy(update={"name": "outer"})
    plan = await engine_of(inner, outer).planned(Call("outer"), account)
    assert [thing.id for thing in plan.settled.things.values()] == [wanted]
    assert shop.seen == [LOOK]
    outcome = await engine_of(inner, outer).run(Call("outer"), account)
    assert outcome.composed is not None
    assert shop.seen.count(REPORT) == 1


def nothing_mapped(shop: Shop) -> None:
    for kind in ("metric", "custom-metric"):
        shop.answers[f"/api/mapped-metrics/revenue/{kind}"] = (404, NO_SUCH)
    shop.answers["/api/metrics"] = (200, {"data": [], "links": {"next": None}})


async def test_for_a_step_that_does_not_run_it_need_not_be_there(account: Account, shop: Shop) -> None:
    nothing_mapped(shop)
    action = made(later=True, unless=["$lists.ids"])
    outcome = await run(account, action)
    assert outcome.composed is not None
    assert outcome.composed["lists"] > 0
    assert REPORT not in shop.seen


async def test_for_a_step_that_does_the_error_names_the_argument_and_the_report_is_not_asked_for(
    account: Account, shop: Shop
) -> None:
    nothing_mapped(shop)
    with pytest.raises(InvalidArguments) as error:
        await run(account, made(later=True))
    (problem,) = error.value.problems
    assert "conversion_metric_id" in problem.argument
    assert REPORT not in shop.seen


async def test_a_step_that_can_be_done_without_is_left_out_and_told(account: Account, shop: Shop) -> None:
    nothing_mapped(shop)
    outcome = await run(account, made(later=True, optional="the report"))
    assert outcome.composed is not None
    (missing,) = outcome.composed["not_read"]
    assert (missing["what"], missing["code"]) == ("the report", "invalid_arguments")
    assert "conversion_metric_id" in missing["why"]
    assert outcome.composed["lists"] > 0


def test_without_an_account_it_is_said_that_it_will_be_looked_up() -> None:
    action = made(later=True, passed_on=True, default=True)
    plan = engine_of(action).plan(Call(action.name))
    assert plan.understood.read_as == {"metric": "the account's revenue metric, looked up when this is called"}
