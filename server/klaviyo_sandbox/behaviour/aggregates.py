"""Metric aggregates: a metric's events counted by when they happened, and by what they say."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.interactions import Touches, interactions, number
from klaviyo_sandbox.behaviour.timeframes import after, floor
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.clock import iso, microseconds, moment_of
from klaviyo_sandbox.errors import ApiError, invalid_body
from klaviyo_sandbox.filters import Bare, Condition, bare_moment, parse
from klaviyo_sandbox.loose_json import Json, is_list

MEASUREMENTS = ("count", "sum_value", "unique")
INTERVALS = ("day", "hour", "month", "week")
_ATTRIBUTED = ("$attributed_channel", "$attributed_flow", "$attributed_message", "$attributed_variation")
DIMENSIONS = (
    *_ATTRIBUTED,
    *("$campaign_channel", "$flow", "$flow_channel", "$message", "$message_send_cohort", "$usage_amount"),
    *("$value_currency", "$variation", "$variation_send_cohort", "Bot Click", "Bounce Type", "Campaign Name"),
    *("Client Canonical", "Client Name", "Client Type", "Email Domain", "Failure Source", "Failure Type"),
    *("From Number", "From Phone Region", "Inbox Provider", "List", "Message Format", "Message Name", "Message Type"),
    *("Method", "Segment Count", "Subject", "To Number", "To Phone Region", "URL", "form_id"),
)
_LEAST_PAGE = 500
_BOUNDS = ("greater-or-equal", "less-than")
_TIMEZONES_LEFT_OUT = {"Factory", "Europe/Kyiv", "Pacific/Kanton"}
_MOST_INTERVALS = 24 * 366
_LONGEST_RANGE = 366 * 86400
_HERE = "/data/attributes"
_ATTRIBUTION_SECONDS = 5 * 86400


def query_metric_aggregates(call: Call) -> Answer:
    """Count, sum and tell apart the events of a metric in intervals, for each combination of dimensions."""
    asked: Json = call.data["attributes"]
    if "sort" in asked:
        # Recordings of the live service refuse every sort, the documented ones too.
        raise invalid_body(
            f"{_HERE}/sort", f"'{asked['sort']}' is not a valid sort for the resource 'metric-aggregate'."
        )
    size: int = asked.get("page_size") or _LEAST_PAGE
    if size < _LEAST_PAGE:
        raise invalid_body(f"{_HERE}/page_size", f"'page_size' must be at least {_LEAST_PAGE}.")
    zone = _zone(asked.get("timezone"))
    if call.store.get(call.account, "metric", asked["metric_id"]) is None:
        raise call.missing("metric", asked["metric_id"])
    since, until, tests = _filters(asked["filter"])
    starts = _starts(since, until, asked.get("interval") or "day", zone)
    by: list[str] = list(dict.fromkeys(asked.get("by") or []))
    rows = _rows(call, asked, since, until, starts, by, tests)
    first = _page_start(asked.get("page_cursor"))
    shown = rows[first : first + size]
    attributes: Json = {"dates": [iso(start) for start in starts], "data": shown}
    if asked.get("return_fields"):
        attributes = {name: value for name, value in attributes.items() if name in asked["return_fields"]}
    fields = call.query.fields.get("metric-aggregate")
    if fields is not None:
        attributes = {name: value for name, value in attributes.items() if name in fields}
    own = documents.self_link(call)
    data: Json = {
        "type": "metric-aggregate",
        "id": call.new_id("metric-aggregate"),
        "attributes": attributes,
        "links": {"self": f"{call.base_url}{call.path.rstrip('/')}/"},
    }
    links: Json = {"self": own, "next": None, "prev": None}
    if first + size < len(rows):
        # The caller puts this cursor into the next request's body.
        links["next"] = f"{call.base_url}{call.path}?page_cursor={first + size}"
    return Answer(200, {"data": data, "links": links})


def _rows(
    call: Call, asked: Json, since: int, until: int, starts: Sequence[datetime], by: list[str], tests: "list[_Test]"
) -> list[Json]:
    sql = """
        SELECT profile_id, at, json_extract(body, '$.event_properties') FROM event
        WHERE account = ? AND metric_id = ? AND at >= ? AND at < ? ORDER BY at, id"""
    edges = [microseconds(start.astimezone(UTC)) for start in starts]
    needed = {*by, *(field for field, _ in tests)}
    touches = None
    if needed & set(_ATTRIBUTED):
        touches = Touches(interactions(call, since - _ATTRIBUTION_SECONDS * 1_000_000))
    counts: dict[tuple[str, ...], list[list[float]]] = defaultdict(lambda: [[0.0, 0.0] for _ in starts])
    people: dict[tuple[str, ...], list[set[str]]] = defaultdict(lambda: [set[str]() for _ in starts])
    index = 0
    for profile, at, text in call.store.rows(sql, (call.account, asked["metric_id"], since, until)):
        properties: Json = json.loads(text)
        if touches is not None:
            properties.update(_attribution(touches, profile, at))
        if not all(test(_shown(properties.get(field))) for field, test in tests):
            continue
        while index + 1 < len(edges) and edges[index + 1] <= at:
            index += 1
        key = tuple(_shown(properties.get(name)) for name in by)
        counts[key][index][0] += 1
        counts[key][index][1] += number(properties.get("$value"))
        people[key][index].add(profile)
    if not by and not counts:
        counts[()], people[()] = counts[()], people[()]
    rows: list[Json] = []
    for key in sorted(counts):
        told = {
            "count": [count for count, _ in counts[key]],
            "sum_value": [round(total, 2) for _, total in counts[key]],
            "unique": [float(len(who)) for who in people[key]],
        }
        rows.append(
            {
                # Events without any of the dimensions are told of without dimensions.
                "dimensions": list(key) if any(key) else [],
                "measurements": {name: told[name] for name in dict.fromkeys(asked["measurements"])},
            }
        )
    return rows


def _attribution(touches: Touches, profile: str, at: int) -> Json:
    touch = touches.before(profile, at)
    if touch is None:
        return {}
    return {
        "$attributed_channel": touch.channel,
        "$attributed_flow": touch.flow,
        "$attributed_message": touch.message,
        "$attributed_variation": touch.about.get("$variation"),
    }


_Test = tuple[str, Callable[[str], bool]]


def _filters(texts: Sequence[str]) -> tuple[int, int, list[_Test]]:
    """The time range in microseconds since 1970, and tests of dimensions. Raises ApiError (400)."""
    bounds: dict[str, int] = {}
    tests: list[_Test] = []
    for index, text in enumerate(texts):
        pointer = f"{_HERE}/filter/{index}"
        for condition in _parsed(text, pointer):
            if condition.field == "datetime":
                moment = bare_moment(condition.value) if isinstance(condition.value, Bare) else None
                if condition.operator not in _BOUNDS or moment is None or condition.operator in bounds:
                    raise invalid_body(pointer, "Filter datetime once by greater-or-equal and once by less-than.")
                bounds[condition.operator] = microseconds(moment)
            elif condition.field in DIMENSIONS:
                tests.append((condition.field, _test(condition, pointer)))
            else:
                raise invalid_body(
                    pointer, f"'{condition.field}' is not a valid field for the resource 'metric-aggregate'."
                )
    if len(bounds) < len(_BOUNDS):
        detail = "A time range is required: greater-or-equal(datetime,…) and less-than(datetime,…)."
        raise invalid_body(f"{_HERE}/filter", detail)
    since, until = bounds["greater-or-equal"], bounds["less-than"]
    if until <= since:
        raise invalid_body(f"{_HERE}/filter", "The time range must end after it starts.")
    if until - since > _LONGEST_RANGE * 1_000_000:
        raise invalid_body(f"{_HERE}/filter", "The time range must not be longer than one year.")
    return since, until, tests


def _parsed(text: str, pointer: str) -> list[Condition]:
    try:
        return parse(text)
    except ApiError as error:
        raise invalid_body(pointer, error.problems[0].detail) from None


def _test(condition: Condition, pointer: str) -> Callable[[str], bool]:
    value = condition.value
    if condition.operator == "any" and isinstance(value, list):
        wanted = {str(item) for item in value}
        return lambda shown: shown in wanted
    if condition.operator == "equals" and isinstance(value, str):
        return lambda shown: shown == str(value)
    if condition.operator == "contains" and isinstance(value, str):
        return lambda shown: str(value) in shown
    if condition.operator == "has":
        return bool
    detail = (
        f"'{condition.operator}' is not a valid filter operator for '{condition.field}'. Use equals, any or contains."
    )
    raise invalid_body(pointer, detail)


def _shown(value: Any) -> str:
    """A property as a dimension shows it."""
    if value is None:
        return ""
    if is_list(value):
        return ", ".join(str(item) for item in value)
    return str(value)


def _zone(name: str | None) -> ZoneInfo:
    if name is None:
        return ZoneInfo("UTC")
    if name in _TIMEZONES_LEFT_OUT or name not in available_timezones():
        raise invalid_body(f"{_HERE}/timezone", f"'{name}' is not a valid timezone. Names are case-sensitive.")
    return ZoneInfo(name)


def _starts(since: int, until: int, interval: str, zone: ZoneInfo) -> list[datetime]:
    """Where each interval begins, the first at or before the time range does."""
    end = moment_of(until)
    starts = [floor(moment_of(since).astimezone(zone), interval)]
    while (following := after(starts[-1], interval)) < end:
        starts.append(following)
        if len(starts) > _MOST_INTERVALS:
            raise invalid_body(f"{_HERE}/filter", f"The time range has too many intervals of one {interval}.")
    return starts


def _page_start(cursor: str | None) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit()):
        raise invalid_body(f"{_HERE}/page_cursor", "Invalid cursor provided.")
    return int(cursor)
