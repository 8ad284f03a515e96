"""Where an export stands, and how it goes on from there: page by page, so that nothing is twice and nothing is missed.

A kind with an order is read oldest first up to an end that is fixed when it begins. As soon as the times of its rows
have moved on, it is asked anew for what is later, a second before the last; rows of that second are known by their ids.
So no page depends on a place in a listing that changes. Only where one second has more rows than a page does Klaviyo's
cursor lead on. A report is read window by window.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.answers.related import by_identity, identity_of
from klaviyo_mcp.jobs.export_kind import ExportKind
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.loose_json import JSON, is_list, items, mapping, objects, text

BACK = timedelta(seconds=1)
"""How far before the last time the next question begins: Klaviyo compares some times by the second."""
SURE = timedelta(seconds=2)
"""From how far before the last time ids are remembered, whatever is compared by the second there."""
WORTH = timedelta(seconds=2)
"""How far times must have moved on for a new question."""
MOST_KNOWN = 2_000
"""Ids of rows that are remembered at a time. With more in one second, the cursor leads on."""


@dataclass(slots=True)
class Place:
    """Where an export stands: what a step keeps, and all that going on needs.

    `since` is where the present question begins, `cursor` Klaviyo's own in it, `last` the latest time that was seen.
    `known` are the ids of rows from shortly before that, with their times; `forgot` is the latest time of one that
    had to be let go. `window` is that of a report.
    `rows` and `size` are those of the file of rows, `tail` the hash of its last bytes.
    """

    since: str = ""
    cursor: str = ""
    last: str = ""
    forgot: str = ""
    known: dict[str, str] = field(default_factory=dict[str, str])
    window: int = 0
    pages: int = 0
    rows: int = 0
    size: int = 0
    tail: str = ""
    over: bool = False

    def kept(self) -> JSON:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Question:
    """What an export asks for, decided when it begins: `options` by name, ids in place of names; `pinned` arguments.

    `since` and `until` are times in RFC 3339, the first "" for all; of a report they are days, the end not included.
    `zone` is the account's, `interval` that of a report.
    """

    options: JSON
    since: str = ""
    until: str = ""
    zone: str = "UTC"
    interval: str = ""
    pinned: JSON = field(default_factory=dict[str, Any])


def windows(kind: ExportKind, question: Question) -> list[tuple[date, date]]:
    """The windows of a report: first day, and the day after the last."""
    step = timedelta(days=kind.intervals[question.interval].days)
    start, end = date.fromisoformat(question.since), date.fromisoformat(question.until)
    found: list[tuple[date, date]] = []
    while start < end:
        found.append((start, min(start + step, end)))
        start += step
    return found


def arguments_at(kind: ExportKind, question: Question, place: Place) -> JSON:
    """The arguments of the next page."""
    values: JSON = dict(question.options)
    if kind.intervals:
        start, end = windows(kind, question)[place.window]
        values |= {"start": f"{start}T00:00:00", "end": f"{end}T00:00:00"}
        values |= kind.intervals[question.interval].arguments
    elif kind.order:
        if since := place.since or question.since:
            values["from"] = _written(_moment(since) - BACK)
        values["until"] = question.until
    found: JSON = {**fill(kind.arguments, values), **question.pinned}
    return {**found, "cursor": place.cursor} if place.cursor else found


def taken(kind: ExportKind, question: Question, place: Place, outcome: Outcome) -> list[JSON]:
    """The rows of a page that are new, and the place after it."""
    document = mapping(outcome.replies[-1].document)
    cursor = jsonapi.next_cursor(document) or ""
    place.pages += 1
    if kind.rows != "records":
        rows = list(_report_rows(kind, question, place, mapping(mapping(document.get("data")).get("attributes"))))
        place.cursor = cursor
        place.window += not cursor
        place.over = place.window >= len(windows(kind, question))
        return rows
    found = list(_records(kind, outcome))
    rows = _new(kind, question, place, found)
    place.over = not cursor
    _move_on(kind, place, cursor, len(found))
    return rows


def ask_anew(kind: ExportKind, place: Place) -> bool:
    """Go on without Klaviyo's cursor, which it takes no more; False where rows would come twice without it."""
    if not (kind.order and place.last and _complete(place)):
        return False
    place.since, place.cursor = place.last, ""
    return True


def _complete(place: Place) -> bool:
    """Whether all rows are known by their ids that come again where it is asked anew."""
    return not place.forgot or _moment(place.forgot) < _moment(place.last) - SURE


def _move_on(kind: ExportKind, place: Place, cursor: str, count: int) -> None:
    """Ask anew where times have moved on and all rows that would come again are known; else by the cursor."""
    place.cursor = cursor
    if not (kind.order and cursor and place.last):
        return
    last = _moment(place.last)
    moved = not place.since or last - _moment(place.since) >= WORTH
    if moved and _complete(place) and len(place.known) <= count // 2:
        place.since, place.cursor = place.last, ""


def _new(kind: ExportKind, question: Question, place: Place, found: list[JSON]) -> list[JSON]:
    """Those of the page that were not there before, and are within the times that were asked for."""
    rows: list[JSON] = []
    for row in found:
        id, at = text(row.get("id")), text(row.get(kind.order)) if kind.order else ""
        if id in place.known or (at and not _within(question, at)):
            continue
        rows.append(row)
        place.known[id] = at
        if at and (not place.last or _moment(at) > _moment(place.last)):
            place.last = at
    _forget(kind, place)
    return rows


def _forget(kind: ExportKind, place: Place) -> None:
    """Let go of ids that will not come again, and of the oldest beyond what is remembered."""
    if kind.order and place.last:
        from_then = _moment(place.last) - SURE
        place.known = {id: at for id, at in place.known.items() if not at or _moment(at) >= from_then}
    if (beyond := len(place.known) - MOST_KNOWN) > 0:
        for id in list(place.known)[:beyond]:
            at = place.known.pop(id)
            if at and (not place.forgot or _moment(at) > _moment(place.forgot)):
                place.forgot = at


def _within(question: Question, at: str) -> bool:
    moment = _moment(at)
    return (not question.since or moment >= _moment(question.since)) and moment < _moment(question.until)


def _records(kind: ExportKind, outcome: Outcome) -> Iterator[JSON]:
    """The records of a page, with what is joined into them."""
    beside = by_identity(outcome.replies)
    for resource in objects(mapping(outcome.replies[-1].document).get("data")):
        row = jsonapi.fields(resource)
        relations = mapping(resource.get("relationships"))
        for name, fields in kind.related.items():
            other = mapping(mapping(relations.get(name)).get("data"))
            if other:
                whole = jsonapi.fields(beside.get(identity_of(other), {}))
                row[name] = {"id": other.get("id"), **{one: whole.get(one) for one in fields}}
        yield row


def _report_rows(kind: ExportKind, question: Question, place: Place, report: JSON) -> Iterator[JSON]:
    """A row for each group, or for each group and time."""
    zone = zone_of(question.zone)
    start, _ = windows(kind, question)[place.window]
    times = [str(_moment(text(one)).astimezone(zone).date()) for one in items(report.get("date_times"))]
    for result in objects(report.get("results")):
        groups, numbers = mapping(result.get("groupings")), mapping(result.get("statistics"))
        if kind.rows == "values":
            yield {"date": str(start), **groups, **numbers}
            continue
        for index, day in enumerate(times):
            yield {"date": day, **groups, **{name: _at(value, index) for name, value in numbers.items()}}


def _at(value: Any, index: int) -> Any:
    return value[index] if is_list(value) and index < len(value) else None


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name, UTC where it is not known."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _moment(at: str) -> datetime:
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
