"""Rates of the performance overview: each of the messages that can have it."""

from typing import Any

from tests.actions.test_defaults import Shop

from klaviyo_mcp.accounts.account import open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_sandbox import API_KEY


def row(channel: str, flow: str, **counts: float) -> dict[str, Any]:
    groupings = {"flow_id": flow, "flow_name": f"Flow {flow}", "send_channel": channel, "flow_message_id": channel}
    return {"groupings": groupings, "statistics": {"recipients": counts["delivered"], "conversions": 0, **counts}}


async def test_the_opens_of_a_flow_are_those_of_its_emails_and_a_flow_of_texts_has_none(engine: Engine) -> None:
    shop = Shop()
    results = [
        row("email", "Mixed1", delivered=100, opens_unique=40, clicks_unique=10),
        row("sms", "Mixed1", delivered=300, opens_unique=0, clicks_unique=30),
        row("sms", "Texts1", delivered=50, opens_unique=0, clicks_unique=1),
    ]
    report = {"type": "flow-values-report", "id": "1", "attributes": {"results": results}}
    shop.answers["/api/flow-values-reports"] = (200, {"data": report, "links": {"next": None}})
    account = open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)
    outcome = await engine.run(Call("performance_overview", {"kinds": ["flows"]}), account)
    assert outcome.composed is not None
    flows = {flow["id"]: flow for flow in outcome.composed["best_flows"]}
    assert (flows["Mixed1"]["open_rate"], flows["Mixed1"]["click_rate"]) == (0.4, 0.1)
    assert "open_rate" not in flows["Texts1"]
    assert outcome.composed["totals"][0]["open_rate"] == 0.4
