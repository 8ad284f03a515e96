"""Tasks that ask: what was earned, what worked, who is worth what. Nothing may change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.tasks.shop import JSON
from bench.tasks.task import Case, Task

ZONE = ZoneInfo("America/Los_Angeles")
_COUNTS = ("conversion_value", "delivered", "unsubscribe_uniques")


def _report(case: Case, kind: str, timeframe: JSON, statistics: Sequence[str], channel: str = "") -> list[JSON]:
    """Klaviyo's own report of a period, asked beside the server under trial: a row for each message."""
    attributes: JSON = {
        "statistics": list(statistics),
        "timeframe": timeframe,
        "conversion_metric_id": case.before.named("metric", "Placed Order"),
        "group_by": [f"{kind}_id", f"{kind}_message_id"],
    }
    if channel:
        attributes["filter"] = f'equals(send_channel,"{channel}")'
    body: JSON = {"data": {"type": f"{kind}-values-report", "attributes": attributes}}
    return case.shop.ask(f"/api/{kind}-values-reports", body)["data"]["attributes"]["results"]


# 3


def _check_best(case: Case) -> None:
    tomorrow = datetime.now(ZONE).date() + timedelta(days=1)
    period = {"start": f"{tomorrow - timedelta(days=365)}T00:00:00", "end": f"{tomorrow}T00:00:00"}
    rows = _report(case, "campaign", period, ("open_rate", "conversion_value"), "email")
    names = {one: body["name"] for one, body in case.before.records("campaign").items()}
    for name, of in (("best_open_rate", "open_rate"), ("most_revenue", "conversion_value")):
        best = max(rows, key=lambda row: row["statistics"][of])
        case.said(name, names[best["groupings"]["campaign_id"]])
        case.said(f"{name}_value", best["statistics"][of], within=0.0001)


# 9


def _check_months(case: Case) -> None:
    revenue: dict[str, float] = {}
    orders: dict[str, int] = {}
    now = datetime.now(ZONE)
    for event in case.before.events("Placed Order"):
        moment = datetime.fromtimestamp(event["timestamp"], UTC).astimezone(ZONE)
        if moment.year == now.year:
            month = f"{moment:%Y-%m}"
            revenue[month] = round(revenue.get(month, 0) + event["event_properties"]["$value"], 2)
            orders[month] = orders.get(month, 0) + 1
    # A month in which nothing was sold may be told or left out.
    for name, wanted in (("revenue", revenue), ("orders", orders)):
        told = {month: value for month, value in case.answer.data.get(name, {}).items() if value}
        case.equal(name, {month: round(value, 2) for month, value in told.items()}, wanted)


# 11


def _check_dearest(case: Case) -> None:
    people = {one: body for one, body in case.before.records("profile").items() if body["email"]}
    told = case.answer.data.get("customers", [])
    if not case.equal("how many are told", len(told), 5):
        return
    worth: dict[str, float] = {}
    path = "/api/profiles?additional-fields[profile]=predictive_analytics&page[size]=100"
    while path:
        page = case.shop.ask(path)
        for one in page["data"]:
            analytics = one["attributes"].get("predictive_analytics") or {}
            worth[one["id"]] = analytics.get("predicted_clv") or 0.0
        path = (page["links"]["next"] or "").replace(case.shop.url, "")
    wanted = sorted(people, key=lambda one: -worth[one])[:5]
    values = zip(sorted(one["value"] for one in told), sorted(worth[one] for one in wanted), strict=True)
    # What is predicted falls a little with every hour.
    case.expect(all(abs(found - wanted) < 0.1 for found, wanted in values), f"these are not the dearest: {told}")
    last: dict[str, int] = {}
    for event in case.before.events("Placed Order"):
        last[event["_profile_id"]] = max(last.get(event["_profile_id"], 0), event["timestamp"])
    ids = {body["email"]: one for one, body in people.items()}
    for one in told:
        who = ids.get(one["email"], "")
        bought = datetime.fromtimestamp(last.get(who, 0), UTC)
        case.equal(f"when {one['email']} bought", one["last_bought"][:10], str(bought.date()))


# 17


def _check_compared(case: Case) -> None:
    for kind in ("campaign", "flow"):
        rows = _report(case, kind, {"key": "last_90_days"}, (*_COUNTS, "click_rate"))
        total = {name: sum(row["statistics"][name] for row in rows) for name in _COUNTS}
        case.said(f"{kind}s_revenue", total["conversion_value"], within=0.01)
        case.said(f"{kind}s_revenue_per_recipient", total["conversion_value"] / total["delivered"], within=0.005)
        case.said(f"{kind}s_unsubscribe_rate", total["unsubscribe_uniques"] / total["delivered"], within=0.0005)
        if kind == "flow":
            rates = sorted(row["statistics"]["click_rate"] for row in rows if row["statistics"]["delivered"])
            told = case.answer.data.get("worst_messages", [])
            case.equal("the worst click rates", sorted(one["click_rate"] for one in told), rates[:3])


TASKS = (
    Task(
        3,
        "Best campaigns of a year",
        "Which of our email campaigns of the last twelve months, up to today, had the best open rate, and which one "
        "brought in the most revenue from orders?",
        _check_best,
        (12, 21),
        {
            "best_open_rate": "the campaign's name",
            "best_open_rate_value": "its open rate, as a fraction",
            "most_revenue": "the campaign's name",
            "most_revenue_value": "its revenue",
        },
    ),
    Task(
        9,
        "Revenue by month",
        "How much did we sell in each month of this year, and how many orders was that? By our own clock, please.",
        _check_months,
        (6, 4),
        {"revenue": "{'2026-01': 123.45, …}", "orders": "{'2026-01': 12, …}"},
    ),
    Task(
        11,
        "Top five customers to come",
        "Who are the five customers from whom we can expect the most in future (predicted lifetime value), and when "
        "did each of them last buy something?",
        _check_dearest,
        (13, 81),
        {"customers": "[{email, value: the predicted lifetime value, last_bought: the day, by UTC}, …]"},
    ),
    Task(
        17,
        "Flows against campaigns",
        "Compare our flows with our campaigns over the last 90 days: revenue, revenue per recipient, rate "
        "of unsubscribes. And which three flow messages have the worst click rate (of those that were sent at all)?",
        _check_compared,
        (2, 4),
        {
            "campaigns_revenue": "number",
            "campaigns_revenue_per_recipient": "per delivered message",
            "campaigns_unsubscribe_rate": "as a fraction of delivered messages",
            "flows_revenue": "number",
            "flows_revenue_per_recipient": "per delivered message",
            "flows_unsubscribe_rate": "as a fraction of delivered messages",
            "worst_messages": "[{message, click_rate: as a fraction}, …], three",
        },
    ),
)
