"""Scripts for tasks that ask for numbers."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.tasks.scripts.hand import Hand
from bench.tasks.scripts.people import LAST_THINGS, at, orders_metric
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

_WORTH = "predictive_analytics.predicted_clv"
_EMAIL = [{"field": "send_channel", "operator": "equals", "value": "email"}]


async def best_campaigns(hand: Hand) -> Answer:
    """Task 3."""
    # last_12_months ends with the last whole month, as the answer's `covers` says.
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    period = {"start": f"{tomorrow - timedelta(days=365)}T00:00:00", "end": f"{tomorrow}T00:00:00"}
    answer = await hand.run(
        "open rate and revenue of campaigns",
        "query_campaign_values",
        statistics=["open_rate", "conversion_value"],
        timeframe=period,
        **await _orders(hand, "query_campaign_values"),
        filter=_EMAIL,
        group_by=["campaign_message_name"],
    )
    data: JSON = {}
    for name, of in (("best_open_rate", "open_rate"), ("most_revenue", "conversion_value")):
        best = max(answer["record"]["results"], key=lambda row: row["statistics"][of])
        data |= {name: best["groupings"]["campaign_message_name"], f"{name}_value": best["statistics"][of]}
    return Answer(f"{data['best_open_rate']} was opened most.", data)


async def _orders(hand: Hand, report: str) -> JSON:
    """The argument that says what counts as an order, for a report that has to be told."""
    return {"conversion_metric_id": await orders_metric(hand)} if hand.requires(report, "conversion_metric_id") else {}


async def by_month(hand: Hand) -> Answer:
    """Task 9."""
    if hand.lists("monthly_revenue"):
        answer = await hand.run("revenue and orders by month", "monthly_revenue")
        months = answer["months"]
        return Answer(
            f"By the clock of {answer['timezone']}.",
            {name: {one["month"]: one[name] for one in months} for name in ("revenue", "orders")},
        )
    account = await hand.run("our sender and time zone", "get_accounts")
    zone = account["records"][0]["timezone"]
    today = datetime.now(ZoneInfo(zone)).date()
    answer = await hand.run(
        "revenue and orders by month",
        "query_metric_aggregates",
        metric_id=await orders_metric(hand),
        measurements=["count", "sum_value"],
        interval="month",
        timezone=zone,
        conditions=[
            {"field": "datetime", "operator": "greater-or-equal", "value": f"{today.year}-01-01"},
            {"field": "datetime", "operator": "less-than", "value": str(today + timedelta(days=1))},
        ],
    )
    months = [f"{datetime.fromisoformat(date).astimezone(ZoneInfo(zone)):%Y-%m}" for date in answer["record"]["dates"]]
    measured = answer["record"]["data"][0]["measurements"]
    return Answer(
        f"By the clock of {zone}.",
        {
            "revenue": dict(zip(months, measured["sum_value"], strict=True)),
            "orders": {month: round(count) for month, count in zip(months, measured["count"], strict=True)},
        },
    )


async def dearest_customers(hand: Hand) -> Answer:
    """Task 11."""
    top = await _dearest(hand)
    metric = await orders_metric(hand)
    calls: list[JSON] = [
        {
            "filter": [
                {"field": "profile_id", "operator": "equals", "value": one["id"]},
                {"field": "metric_id", "operator": "equals", "value": metric},
            ],
            "sort": "-datetime",
            "page_size": 1,
            **hand.shown("datetime", otherwise={"event_fields": ["datetime"]}),
        }
        for one in top
    ]
    answers = await hand.side_by_side(("when did a customer last buy", *LAST_THINGS), "get_events", calls)
    told = [
        {
            "email": one["email"],
            "value": at(one, _WORTH),
            "last_bought": answer["records"][0]["datetime"],
        }
        for one, answer in zip(top, answers, strict=True)
    ]
    return Answer("These are the five.", {"customers": told})


async def _dearest(hand: Hand) -> list[JSON]:
    """The five with the highest predicted value."""
    otherwise = {"additional_profile_fields": ["predictive_analytics"], "profile_fields": ["email", _WORTH]}
    words = ("customers with predicted lifetime value", "find profiles")
    asked = {"page_size": 100, **hand.shown("email", _WORTH, otherwise=otherwise)}
    if hand.takes_fields and hand.lists("read_more"):
        # All of them are read once, and sorted where they are kept.
        kept = (await hand.run(words, "get_profiles", **asked, max_records=5000))["answer_id"]
        return (await hand.tool("read_more", answer_id=kept, sort=f"-{_WORTH}", limit=5))["records"]
    people = await hand.records(words, "get_profiles", **asked)
    return sorted(people, key=lambda one: -(at(one, _WORTH) or 0))[:5]


async def flows_and_campaigns(hand: Hand) -> Answer:
    """Task 17."""
    period = {"key": "last_90_days"}
    if hand.lists("performance_overview"):
        answer = await hand.run(
            "flows against campaigns", "performance_overview", timeframe=period, kinds=["campaigns", "flows"]
        )
        found: JSON = {"worst_messages": answer["least_clicked_flow_messages"]}
        for total in answer["totals"]:
            found |= {
                f"{total['of']}_{name}": total[name]
                for name in ("revenue", "revenue_per_recipient", "unsubscribe_rate")
            }
        return Answer("Flows earn more for each message.", found)
    asked = {
        "statistics": ["delivered", "conversion_value", "unsubscribe_uniques", "click_rate"],
        "timeframe": period,
        **await _orders(hand, "query_campaign_values"),
    }
    reports = {
        "campaigns": await hand.run("how did our campaigns do", "query_campaign_values", **asked),
        "flows": await hand.run(
            "how did our flows do", "query_flow_values", **asked, group_by=["flow_name", "flow_message_name"]
        ),
    }
    data: JSON = {}
    for name, report in reports.items():
        rows = [row["statistics"] for row in report["record"]["results"]]
        revenue, delivered, left = (
            sum(row[one] for row in rows) for one in ("conversion_value", "delivered", "unsubscribe_uniques")
        )
        data |= {
            f"{name}_revenue": revenue,
            f"{name}_revenue_per_recipient": revenue / delivered,
            f"{name}_unsubscribe_rate": left / delivered,
        }
    sent = [row for row in reports["flows"]["record"]["results"] if row["statistics"]["delivered"]]
    worst = sorted(sent, key=lambda row: row["statistics"]["click_rate"])[:3]
    data["worst_messages"] = [
        {"message": row["groupings"]["flow_message_name"], "click_rate": row["statistics"]["click_rate"]}
        for row in worst
    ]
    return Answer("Flows earn more for each message.", data)


SCRIPTS = {3: best_campaigns, 9: by_month, 11: dearest_customers, 17: flows_and_campaigns}
