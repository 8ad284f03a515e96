"""What a page of a report shows, made of the answer of its action: texts, so that a template has nothing to do."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from klaviyo_mcp.klaviyo.words import one_line, visible
from klaviyo_mcp.loose_json import JSON, is_list, items, mapping, objects
from klaviyo_mcp.registry.number_words import written
from klaviyo_mcp.registry.report_rules import report_rules
from klaviyo_mcp.reports.layout import Chart, Column, Layout, Section, layouts

TELLS = {
    "up": ("up", "up by more than chance"),
    "down": ("down", "down by more than chance"),
    "no_clear_change": ("steady", "within chance"),
    "too_few_to_tell": ("few", "too few to tell"),
}
"""By what a change means: a name for the style, and words."""
LONGEST_NAME = 120
"""Characters of a name in a table."""
MOST_DRAWN = 15
"""Rows of one chart; all of them stand in its table."""
WORDS = ("text", "code", "day")
"""Units of columns that hold no numbers."""
LABEL = "x_label"
"""In a row that is drawn: what stands beside its bar."""
UNKNOWN = "\u2013"
UNREAD = "This could not be read; the notes at the end say why."
CODES = {"sms": "SMS", "whatsapp": "WhatsApp", "api": "API", "USER_SUPPRESSED": "Suppressed by hand"}
"""Klaviyo's and our codes that do not read well as they are written."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of a report."""

    label: str
    value: str
    change: str
    about: str
    tells: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table; `range` is its interval."""

    text: str
    range: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One section: a table, and what is drawn of it: `rows` of the answer, by `chart`; `alt` says it in words."""

    name: str
    title: str
    heads: list[tuple[str, bool]]
    cells: list[list[Cell]]
    none: str
    chart: Chart | None
    rows: list[JSON]
    alt: str


@dataclass(frozen=True, slots=True)
class View:
    """A whole report."""

    title: str
    shop: str
    period: str
    against: str
    account: str
    looks: list[JSON]
    tiles: list[Tile]
    tables: list[Table]
    notes: list[str]
    currency: str


def view_of(report: str, data: JSON, shop: str = "") -> View:
    """The view of an answer of the action `report`; `shop` is whose it is. Raises KeyError for what is no report."""
    layout: Layout = layouts()[report]
    covers = mapping(data.get("covers"))
    currency = str(covers.get("currency") or "")
    days = covers.get("days")
    compared = str(covers.get("compared_with") or "")
    told = [table for section in layout.sections if (table := _table(section, data, currency)) is not None]
    return View(
        title=layout.title if days == layout.days or not layout.days else layout.otherwise,
        shop=visible(shop),
        period=_span(covers.get("first_day"), covers.get("last_day"))
        + (f", {days} day{'s' if days != 1 else ''}" if days else ""),
        against=_span(*compared.split(" to ")) if " to " in compared else "",
        account=f"{covers.get('timezone') or 'time zone not known'}, {currency or 'currency not known'}",
        looks=[{key: visible(str(value)) for key, value in look.items()} for look in objects(data.get("worth_a_look"))],
        tiles=[_tile(figure, currency) for figure in objects(data.get("figures"))],
        tables=told,
        notes=[*(_pale(told)), *_notes(data)],
        currency=currency,
    )


def _tile(figure: JSON, currency: str) -> Tile:
    unit = str(figure.get("unit"))
    before = figure.get("before")
    change = ""
    if (points := figure.get("change_points")) is not None:
        change = written(points, "points")
    elif (percent := figure.get("change_percent")) is not None:
        change = written(percent, "percent")
    against = f"was {written(before, unit, currency)}" if before is not None else ""
    low, high = figure.get("low"), figure.get("high")
    about = ""
    if low is not None and high is not None:
        people = written(figure.get("n", 0), "count")
        about = f"{written(low, 'rate')} to {written(high, 'rate')}, n\u00a0=\u00a0{people}"
    tells, words = TELLS.get(str(figure.get("tells")), ("", ""))
    said = ", ".join(filter(None, [change, against]))
    return Tile(str(figure.get("label")), written(figure["value"], unit, currency), said, about, tells, words)


def _table(section: Section, data: JSON, currency: str) -> Table | None:
    rows = objects(data.get(section.name))
    # What was not read is not there at all; of what was read and is empty there is a list.
    none = UNREAD if section.name not in data and data.get("not_read") else section.none
    if not rows and not section.none:
        return None
    columns = [one for one in section.columns if any(row.get(one.key) is not None for row in rows)]
    heads = [(one.label, one.unit not in (*WORDS, "list")) for one in columns]
    cells = [[_cell(one, row, currency) for one in columns] for row in rows]
    drawn = _drawn(section, rows)
    chart = section.chart if section.chart and _worth_drawing(section.chart, drawn) else None
    alt = _alt(section, chart, drawn, currency) if chart else ""
    return Table(section.name, section.title, heads, cells, none, chart, drawn, alt)


def _drawn(section: Section, rows: list[JSON]) -> list[JSON]:
    """The rows of a chart, each with its label; without those of months that have too few people to tell."""
    if (chart := section.chart) is None:
        return []
    units = {one.key: one.unit for one in section.columns}
    if chart.kind == "months":
        rows = [row for row in rows if row.get(chart.of, 0) >= report_rules().limits.count]
    rows = rows if chart.kind == "lines" else rows[:MOST_DRAWN]
    return [{**row, LABEL: _words(units.get(chart.x, "text"), str(row.get(chart.x) or "?"))} for row in rows]


def _worth_drawing(chart: Chart, rows: list[JSON]) -> bool:
    """Whether there are at least two numbers to see beside each other."""
    keys = [one.key for one in chart.series] or [chart.value]
    numbers = [row[key] for row in rows for key in keys if row.get(key) not in (None, [])]
    return len(numbers) > 1 and any(numbers)


def _cell(column: Column, row: JSON, currency: str) -> Cell:
    value = row.get(column.key)
    if column.unit in WORDS:
        return Cell(UNKNOWN if value is None else _words(column.unit, str(value)))
    if is_list(value):
        return Cell(", ".join(written(one, "count") for one in value) or UNKNOWN)
    if not isinstance(value, int | float):
        return Cell(UNKNOWN, number=column.unit != "list")
    low, high = row.get(column.low), row.get(column.high)
    between = f"{written(low, 'rate')} to {written(high, 'rate')}" if low is not None and high is not None else ""
    return Cell(written(value, column.unit, currency), between, number=True)


def _words(unit: str, text: str) -> str:
    """A text of a table. Codes become words: HARD_BOUNCE is Hard bounce; what people named stays as it is."""
    if unit == "day":
        return _day(text, "{day:%a} {day.day} {day:%b}")
    if unit == "code":
        told = CODES.get(text, text.replace("_", " "))
        return visible(told if told in CODES.values() else told[:1].upper() + (told[1:].lower()))
    return one_line(text, LONGEST_NAME)


def _day(text: Any, form: str) -> str:
    try:
        return form.format(day=date.fromisoformat(str(text)))
    except ValueError:
        return visible(str(text))


def _span(first: Any, last: Any) -> str:
    """Two days as people write them: 9 Nov 2026 to 15 Nov 2026."""
    return " to ".join(_day(one, "{day.day} {day:%b %Y}") for one in dict.fromkeys((first, last)))


def _alt(section: Section, chart: Chart, rows: list[JSON], currency: str) -> str:
    """What a chart shows, for those who do not see it: its ends, as its table has all of it."""
    keys = [(one.key, one.label) for one in chart.series] or [(chart.value, chart.label)]
    parts: list[str] = []
    for key, label in keys:
        found = [(row[key], str(row[LABEL])) for row in rows if isinstance(row.get(key), int | float)]
        if found:
            (most, where), (least, elsewhere) = max(found), min(found)
            ends = [(least, elsewhere), (most, where)]
            # The days of the period before are others, though drawn at the same places.
            dated = chart.kind != "lines" or not key.endswith("_before")
            from_to = [written(end, chart.unit, currency) + (f" ({at})" if dated else "") for end, at in ends]
            parts.append(f"{label}: from {' to '.join(from_to)}")
    kind = {"lines": "Line chart", "months": "Heat map"}.get(chart.kind, "Bar chart")
    said = "; ".join(parts) or f"{chart.label}, by {section.title.lower()}"
    return visible(f"{kind}. {said}. The table below has all numbers.")


def _pale(tables: list[Table]) -> list[str]:
    """What a chart means by bars of another shade, where there are any."""
    drawn = any(row.get("too_few") for table in tables if table.chart and table.chart.low for row in table.rows)
    return [f"Pale bars stand on fewer than {report_rules().limits.rate} people."] if drawn else []


def _people(number: Any) -> str:
    return f"{written(number, 'count')} {'person' if number == 1 else 'people'}"


def _notes(data: JSON) -> list[str]:
    found = [str(one) for one in items(data.get("notes"))]
    looked = mapping(data.get("looked_at"))
    if looked.get("complete"):  # of a sample the answer's own notes tell
        found.append(f"Consent was looked at for {_people(looked.get('people', 0))}: everybody.")
    for name, words in (
        ("mail_without_consent", "who can be mailed never gave consent"),
        ("unconfirmed", "who filled in a form are not subscribed"),
    ):
        if part := mapping(data.get(name)):
            found.append(
                f"{written(part['people'], 'count')} of {_people(part['looked_at'])} {words}: "
                f"{written(part['share'], 'rate')} ({written(part['low'], 'rate')} to {written(part['high'], 'rate')})."
            )
    if data.get("orders_looked_at") is not None:
        whole = "all of them" if data.get("complete") else "the latest ones"
        found.append(f"{written(data['orders_looked_at'], 'count')} orders were read, {whole}.")
        found.append(f"Months with fewer than {report_rules().limits.count} first buyers are in the table alone.")
    unread: dict[str, list[str]] = {}
    for one in objects(data.get("not_read")):
        unread.setdefault(str(one.get("why")), []).append(str(one.get("what")))
    found += [f"Not read: {', '.join(what)}. {why}" for why, what in unread.items()]
    if data.get("cut"):
        found.append("Some tables are longer than an answer may be, and are cut.")
    return [visible(one) for one in found]
