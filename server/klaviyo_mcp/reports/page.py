"""A report as one file of HTML: nothing is loaded, nothing runs, and it can be read, printed and sent on."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.report_rules import report_rules
from klaviyo_mcp.reports.charts import ChartsMissing, png, svg
from klaviyo_mcp.reports.view import View, view_of

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).with_name("pages")
Paper = Literal["a4", "letter"]


def html(report: str, data: JSON, shop: str = "", paper: Paper | None = None) -> str:
    """The page of an answer of the action `report`; without charts where what draws them is not installed."""
    view = view_of(report, data, shop)
    limits = report_rules().limits
    return _template().render(view=view, charts=_charts(view), style=_style(), paper=paper, limits=limits)


def pictures(report: str, data: JSON, shop: str = "") -> list[tuple[str, bytes]]:
    """Each chart of a report as alternative text and PNG. Raises ChartsMissing."""
    view = view_of(report, data, shop)
    return [(f"{table.title}. {table.alt}", png(table, view.currency)) for table in view.tables if table.chart]


@cache
def app() -> str:
    """The page that a client shows beside a chat: it is given a report's page and shows that."""
    return (FOLDER / "app.html").read_text("utf-8").replace("/* style */", _style())


def _charts(view: View) -> dict[str, Any]:
    from markupsafe import Markup  # comes with jinja2, which is loaded with the first page

    try:
        # What vl-convert writes is XML with every text escaped.
        return {one.name: Markup(svg(one, view.currency)) for one in view.tables if one.chart}  # noqa: S704
    except ChartsMissing:
        return {}


@cache
def _style() -> str:
    return (FOLDER / "report.css").read_text("utf-8")


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only pages need it

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
