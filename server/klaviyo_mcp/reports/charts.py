"""Charts of reports: Vega-Lite, drawn by vl-convert without a browser, as SVG for pages and PNG for clients.

The package is that of the extra `reports`, 34 MB, and loaded when something is drawn.
"""

import json
import re
from importlib.util import find_spec
from itertools import chain, count
from typing import Any

from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, items
from klaviyo_mcp.registry.number_words import sign_of
from klaviyo_mcp.reports.layout import Chart
from klaviyo_mcp.reports.view import LABEL, Table

VERSION = "5.20"
"""Of Vega-Lite."""
WIDTH = 620
STEP = 30
"""Pixels of a chart, and of one of its bars."""
LONGEST_NAME = 38
PALE = 0.45
"""Opacity of a bar that stands on too few people."""
COLOURS = ("first", "second", "third", "ink", "soft", "line")
"""Names of colours: custom properties of the page's style, which knows light and dark."""
LIGHT = {
    "first": "#1d5f8a",
    "second": "#b4571b",
    "third": "#8a8f98",
    "ink": "#1c2530",
    "soft": "#4d5866",
    "line": "#d9dee5",
}
NAMES: JSON = {"field": "x", "type": "nominal", "sort": None, "axis": {"ticks": False, "domain": False}}
"""The axis of horizontal bars: what each row is called, in the order of the rows."""
MISSING = "Charts need the extra reports: pip install 'klaviyo-mcp[reports]'."


class ChartsMissing(RuntimeError):
    """What draws charts is not installed."""


def svg(table: Table, currency: str) -> str:
    """The chart of a table in the page's own colours. Raises ChartsMissing."""
    drawn = _vl().vegalite_to_svg(_spec(table, currency, {name: f"var(--{name})" for name in COLOURS}), VERSION)
    # Its size is the page's business; the box says how it is shaped.
    return re.sub(r'(<svg [^>]*?) width="[0-9.]+" height="[0-9.]+"', r"\1", drawn, count=1)


def png(table: Table, currency: str) -> bytes:
    """The chart of a table on white, at twice its size. Raises ChartsMissing."""
    spec = _spec(table, currency, LIGHT) | {"background": "#ffffff", "title": one_line(table.title, 80), "padding": 16}
    return bytes(_vl().vegalite_to_png(spec, VERSION, scale=2))


def can_draw() -> bool:
    """Whether what draws is installed."""
    return find_spec("vl_convert") is not None


def _vl() -> Any:
    try:
        import vl_convert  # type: ignore[import-not-found, unused-ignore] # 84 MB on disk that only a drawing needs
    except ImportError:
        raise ChartsMissing(MISSING) from None
    return vl_convert


def _spec(table: Table, currency: str, colours: JSON) -> JSON:
    """The whole picture in Vega-Lite."""
    chart = table.chart
    if chart is None:
        raise ValueError(f"{table.name} has no chart")
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VERSION[0]}.json",
        "background": None,
        "width": WIDTH,
        # Browsers have wider letters than vl-convert, which leaves just the room that its own take.
        "padding": {"left": 8 if chart.kind in ("lines", "months") else 34, "right": 14, "top": 4, "bottom": 4},
        **_KINDS[chart.kind](chart, table.rows, currency, colours),
        "config": {
            "view": {"stroke": None},
            "font": "sans-serif",
            "text": {"color": colours["ink"]},
            "title": {"color": colours["ink"], "offset": 12, "anchor": "start", "fontSize": 15},
            "axis": {
                "labelColor": colours["soft"],
                "titleColor": colours["soft"],
                "gridColor": colours["line"],
                "domainColor": colours["line"],
                "tickColor": colours["line"],
                "labelFontSize": 12,
                "title": None,
                "labelLimit": 260,
            },
            "legend": {
                "orient": "top",
                "title": None,
                "labelColor": colours["ink"],
                "labelFontSize": 12,
                "symbolType": "square",
            },
        },
    }


def _lines(chart: Chart, rows: list[JSON], currency: str, colours: JSON) -> JSON:
    y = {"field": "value", "type": "quantitative", "axis": _axis(chart, currency)}
    axis = {"format": "%-d %b", "grid": False, "tickCount": min(len(rows), 8)}
    # Days are those of the account, whatever the clock of the machine that draws them.
    x = {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    dash = {"field": "series", "type": "nominal", "sort": None, "scale": {"range": [[1, 0], [5, 4]]}, "legend": None}
    return {
        "height": 230,
        "data": {"values": _long(chart, rows)},
        "mark": {"type": "line", "strokeWidth": 2.5, "point": {"size": 40, "filled": True}},
        "encoding": {"x": x, "y": y, "color": _colour(chart, colours), "strokeDash": dash},
    }


def _bars(chart: Chart, rows: list[JSON], currency: str, colours: JSON) -> JSON:
    values = [
        {
            "x": name,
            "value": row[chart.value],
            "low": row.get(chart.low),
            "high": row.get(chart.high),
            "shade": PALE if chart.low and row.get("too_few") else 1,
        }
        for name, row in _named(chart, rows)
        if isinstance(row.get(chart.value), int | float)
    ]
    x = {"field": "value", "type": "quantitative", "axis": _axis(chart, currency)}
    bar: JSON = {
        "mark": {"type": "bar", "color": colours["first"], "cornerRadiusEnd": 3, "height": {"band": 0.62}},
        "encoding": {"x": x, "y": NAMES, "opacity": {"field": "shade", "type": "quantitative", "scale": None}},
    }
    layers = [bar]
    if any(one["low"] is not None for one in values):
        between = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, "y": NAMES}
        layers.append({"mark": {"type": "rule", "color": colours["ink"], "strokeWidth": 1.6}, "encoding": between})
    return {"height": {"step": STEP}, "data": {"values": values}, "layer": layers}


def _groups(chart: Chart, rows: list[JSON], currency: str, colours: JSON) -> JSON:
    return {
        "height": {"step": STEP / 1.6},
        "data": {"values": _long(chart, rows)},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {"field": "value", "type": "quantitative", "axis": _axis(chart, currency)},
            "y": NAMES,
            "yOffset": {"field": "series", "type": "nominal", "sort": None},
            "color": _colour(chart, colours),
        },
    }


def _shares(chart: Chart, rows: list[JSON], currency: str, colours: JSON) -> JSON:
    axis = {**_axis(chart, currency), "format": "%"}
    return {
        "height": {"step": STEP},
        "data": {"values": _long(chart, rows)},
        "mark": {"type": "bar", "height": {"band": 0.62}},
        "encoding": {
            "x": {"field": "value", "type": "quantitative", "stack": "normalize", "axis": axis},
            "y": NAMES,
            "color": _colour(chart, colours),
            "order": {"field": "order", "type": "quantitative"},
        },
    }


def _months(chart: Chart, rows: list[JSON], currency: str, colours: JSON) -> JSON:
    del currency
    values = [
        {"x": name, "month": f"+{index}", "value": number / row[chart.of]}
        for name, row in _named(chart, rows)
        if row.get(chart.of)
        for index, number in enumerate(items(row.get(chart.value)), 1)
    ]
    labels = sorted({one["month"] for one in values}, key=int)
    encoding: JSON = {
        "x": {
            "field": "month",
            "type": "ordinal",
            "sort": labels,
            "axis": {"orient": "top", "labelAngle": 0, "title": "Months after the first order"},
        },
        "y": {"field": "x", "type": "ordinal", "sort": None},
    }
    shade: JSON = {
        "mark": {"type": "rect", "color": colours["first"], "cornerRadius": 3},
        "encoding": {
            "opacity": {"field": "value", "type": "quantitative", "legend": None, "scale": {"range": [0.06, 0.42]}}
        },
    }
    number: JSON = {
        "mark": {"type": "text", "fontSize": 11, "color": colours["ink"]},
        "encoding": {"text": {"field": "value", "type": "quantitative", "format": ".0%"}},
    }
    return {"height": {"step": 24}, "data": {"values": values}, "encoding": encoding, "layer": [shade, number]}


_KINDS = {"lines": _lines, "bars": _bars, "groups": _groups, "shares": _shares, "months": _months}


def _long(chart: Chart, rows: list[JSON]) -> list[JSON]:
    return [
        {"x": name, "series": one.label, "order": place, "value": row[one.key]}
        for name, row in _named(chart, rows)
        for place, one in enumerate(chart.series)
        if isinstance(row.get(one.key), int | float)
    ]


def _colour(chart: Chart, colours: JSON) -> JSON:
    names = [one.label for one in chart.series]
    return {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": names, "range": [colours[name] for name in COLOURS[: len(names)]]},
    }


def _axis(chart: Chart, currency: str) -> JSON:
    if chart.unit == "rate":
        return {"format": ".1~%", "tickCount": 6}
    sign = sign_of(currency) if chart.unit == "money" else ""
    return {"format": ",.0f", "tickCount": 6, "tickMinStep": 1} | (
        {"labelExpr": f"{json.dumps(sign)} + datum.label"} if sign else {}
    )


def _named(chart: Chart, rows: list[JSON]) -> list[tuple[str, JSON]]:
    """Each row with what it is called in the picture: rows of one name would be drawn as one, with their sum."""
    if chart.kind == "lines":
        return [(str(row.get(chart.x)), row) for row in rows]
    found: dict[str, JSON] = {}
    for row in rows:
        name = one_line(str(row[LABEL]), LONGEST_NAME)
        names = chain([name], (f"{name} ({number})" for number in count(2)))
        found[next(one for one in names if one not in found)] = row
    return list(found.items())
