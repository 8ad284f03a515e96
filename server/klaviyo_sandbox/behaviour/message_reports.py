"""Reports on campaigns and flows: what became of the messages sent in a timeframe, whenever it became of them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from klaviyo_sandbox.behaviour.interactions import SENT, Interaction, Touches, conversions, interactions, number
from klaviyo_sandbox.behaviour.reports import Kind, Statistic, Tally, ratio, start, total, unique
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json

CHANNELS = ("email", "sms", "push-notification", "whatsapp")
# What one credit for text messages costs, in the account's currency.
_CREDIT_PRICE = 0.01
_DELIVERED, _OPENED, _CLICKED, _CONVERTED = total("delivered"), unique("opened"), unique("clicked"), unique("converted")
_VALUE, _BOUNCED, _FAILED = total("value"), total("bounced"), total("failed")


def _recipients(tally: Tally) -> float:
    return sum(tally.total(stage) for stage in SENT)


def _bounced_or_failed(tally: Tally) -> float:
    return _BOUNCED(tally) + _FAILED(tally)


def _spend(tally: Tally) -> float:
    return tally.total("credits") * _CREDIT_PRICE


STATISTICS: Mapping[str, Statistic] = {
    "average_order_value": ratio(_VALUE, total("converted")),
    "bounce_rate": ratio(_BOUNCED, _recipients),
    "bounced": _BOUNCED,
    "bounced_or_failed": _bounced_or_failed,
    "bounced_or_failed_rate": ratio(_bounced_or_failed, _recipients),
    "click_rate": ratio(_CLICKED, _DELIVERED),
    "click_to_open_rate": ratio(_CLICKED, _OPENED),
    "clicks": total("clicked"),
    "clicks_unique": _CLICKED,
    "conversion_rate": ratio(_CONVERTED, _DELIVERED),
    "conversion_uniques": _CONVERTED,
    "conversion_value": _VALUE,
    "conversions": total("converted"),
    "delivered": _DELIVERED,
    "delivery_rate": ratio(_DELIVERED, _recipients),
    "failed": _FAILED,
    "failed_rate": ratio(_FAILED, _recipients),
    "message_segment_count_sum": total("segments"),
    "open_rate": ratio(_OPENED, _DELIVERED),
    "opens": total("opened"),
    "opens_unique": _OPENED,
    "recipients": _recipients,
    "revenue_per_recipient": ratio(_VALUE, _DELIVERED),
    "spam_complaint_rate": ratio(total("complained"), _DELIVERED),
    "spam_complaints": total("complained"),
    "text_message_credit_usage_amount": total("credits"),
    "text_message_roi": ratio(_VALUE, _spend),
    "text_message_spend": _spend,
    "unsubscribe_rate": ratio(unique("unsubscribed"), _DELIVERED),
    "unsubscribe_uniques": unique("unsubscribed"),
    "unsubscribes": total("unsubscribed"),
}
_SCALAR, _LISTED = ("equals", "contains-any"), ("contains-any", "contains-all")
_COMMON = ("send_channel", "tag_id", "tag_name", "text_message_format", "variation", "variation_name")
_COMMON_FILTERS = {
    **dict.fromkeys(("send_channel", "text_message_format", "variation", "variation_name"), _SCALAR),
    **dict.fromkeys(("tag_id", "tag_name"), _LISTED),
}
CAMPAIGNS = Kind(
    statistics=STATISTICS,
    grouped_by=("campaign_id", "campaign_message_id", "campaign_message_name", "group", "group_name", *_COMMON),
    default=("campaign_id", "campaign_message_id", "send_channel"),
    required=("campaign_id", "campaign_message_id"),
    paired=(("tag_id", "tag_name"), ("group", "group_name")),
    filters={
        **dict.fromkeys(("campaign_id", "campaign_message_id", "campaign_message_name"), _SCALAR),
        **_COMMON_FILTERS,
        # Not in the document; a recording of another revision has it taken.
        "campaign_channel": _SCALAR,
    },
    choices={"send_channel": CHANNELS, "campaign_channel": CHANNELS},
)
FLOWS = Kind(
    statistics=STATISTICS,
    grouped_by=("flow_id", "flow_message_id", "flow_message_name", "flow_name", *_COMMON),
    default=("flow_id", "flow_message_id", "send_channel"),
    required=("flow_id", "flow_message_id"),
    paired=(("tag_id", "tag_name"),),
    filters={
        **dict.fromkeys(("flow_id", "flow_name", "flow_message_id", "flow_message_name"), _SCALAR),
        **_COMMON_FILTERS,
    },
    choices={"send_channel": CHANNELS},
)

# What is counted: the message's first event, the profile, when it was sent, what happened, and for how much.
_Counted = tuple[Interaction, str, int, str, float]


def query_campaigns(call: Call) -> Answer:
    """What became of campaigns."""
    return _query(call, CAMPAIGNS, lambda one: _campaign(call, one)).answer()


def query_flows(call: Call) -> Answer:
    """What became of flows' messages."""
    return _query(call, FLOWS, lambda one: _flow(call, one)).answer()


def _query(call: Call, kind: Kind, describe: Callable[[Interaction], dict[str, Sequence[str]] | None]) -> Any:
    metric: str = call.data["attributes"]["conversion_metric_id"]
    if all(call.store.get(call.account, of, metric) is None for of in ("metric", "custom-metric")):
        raise invalid_body("/data/attributes/conversion_metric_id", f"Metric with id {metric} not found.")
    report = start(call, kind)
    # A message may have several variations.
    known: dict[tuple[str, str], dict[str, Sequence[str]] | None] = {}
    groups = _Groups(call)
    for one, profile, sent, what, amount in _counted(call, report.span.since, metric):
        key = one.message, str(one.about.get("$variation"))
        if key not in known:
            known[key] = describe(one)
        dimensions = known[key]
        if dimensions is None:
            continue
        if "group" in report.group_by or "group_name" in report.group_by:
            ids = groups.of(dimensions["audience"], profile)
            dimensions = {**dimensions, "group": ids, "group_name": [groups.names.get(group, "") for group in ids]}
        report.add(dimensions, sent, what, profile, amount)
    return report


def _counted(call: Call, since: int, metric: str) -> Iterator[_Counted]:
    """Everything that happened to messages sent since a moment, dated back to when they were sent."""
    found = interactions(call, since)
    sends: dict[tuple[str, str], list[int]] = defaultdict(list)

    def sent_before(profile: str, message: str, at: int) -> int | None:
        moments = sends.get((profile, message), [])
        index = bisect_right(moments, at)
        return moments[index - 1] if index else None

    for one in found:
        if one.stage in SENT:
            sends[one.profile, one.message].append(one.at)
            yield one, one.profile, one.at, one.stage, 1.0
            if one.channel == "sms":
                yield one, one.profile, one.at, "segments", number(one.about.get("Segment Count"))
                yield one, one.profile, one.at, "credits", number(one.about.get("$usage_amount"))
        elif (sent := sent_before(one.profile, one.message, one.at)) is not None:
            yield one, one.profile, sent, one.stage, 1.0
    touches = Touches(found)
    for conversion in conversions(call, metric, since):
        touch = touches.before(conversion.profile, conversion.at)
        if touch is None:
            continue
        sent = sent_before(touch.profile, touch.message, touch.at)
        if sent is not None:
            yield touch, conversion.profile, sent, "converted", 1.0
            yield touch, conversion.profile, sent, "value", conversion.value


def _campaign(call: Call, one: Interaction) -> dict[str, Sequence[str]] | None:
    """The dimensions of a campaign's message, as long as the campaign exists."""
    message = call.store.get(call.account, "campaign-message", one.message)
    campaign = call.store.get(call.account, "campaign", message["_campaign_id"]) if message else None
    audience = call.store.get(call.account, "campaign-audience", message["_audience_id"]) if message else None
    if message is None or campaign is None or audience is None:
        return None
    return {
        "campaign_id": [message["_campaign_id"]],
        "campaign_message_id": [one.message],
        "campaign_message_name": [message["definition"]["name"] or campaign["name"]],
        "audience": audience["definition"]["included"],
        "campaign_channel": [one.channel],
        **_common(call, "campaign", message["_campaign_id"], one),
    }


def _flow(call: Call, one: Interaction) -> dict[str, Sequence[str]] | None:
    """The dimensions of a flow's message, as long as the flow exists."""
    flow = call.store.get(call.account, "flow", one.flow) if one.flow else None
    if flow is None or one.flow is None:
        return None
    return {
        "flow_id": [one.flow],
        "flow_name": [flow["name"]],
        "flow_message_id": [one.message],
        "flow_message_name": [one.about.get("Message Name") or ""],
        **_common(call, "flow", one.flow, one),
    }


def _common(call: Call, kind: str, identifier: str, one: Interaction) -> dict[str, Sequence[str]]:
    relation = call.world.resources[kind].relation("tags")
    ids = call.store.related_ids(call.account, relation, [identifier])[identifier]
    tags = call.store.get_many(call.account, "tag", ids)
    return {
        "send_channel": [one.channel],
        "tag_id": [tag.id for tag in tags] or [""],
        "tag_name": [tag.body["name"] for tag in tags] or [""],
        "text_message_format": [one.about.get("Message Format") or ""],
        "variation": [one.about.get("$variation") or ""],
        "variation_name": [one.about.get("Variation Name") or ""],
    }


class _Groups:
    """Which of a campaign's lists and segments a recipient is in."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._members: dict[str, set[str]] = {}
        self.names: dict[str, str] = {}

    def of(self, groups: Sequence[str], profile: str) -> list[str]:
        return [group for group in groups if profile in self._in(group)] or [""]

    def _in(self, group: str) -> set[str]:
        if group not in self._members:
            store, account = self._call.store, self._call.account
            sql = "SELECT target FROM link WHERE account = ? AND relation IN (?, ?) AND source = ?"
            parameters = (account, "list.profiles", "segment.profiles", group)
            self._members[group] = {profile for (profile,) in store.rows(sql, parameters)}
            body: Json | None = store.get(account, "list", group) or store.get(account, "segment", group)
            self.names[group] = body["name"] if body else ""
        return self._members[group]
