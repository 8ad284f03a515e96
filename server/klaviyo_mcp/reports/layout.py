"""Layouts of reports: `layouts.yaml`, read with the first report that is drawn."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, TypeAdapter

from klaviyo_mcp.registry.part import STRICT


class Part(BaseModel):
    """Base of every part of the file."""

    model_config = STRICT


class Series(Part):
    """One of several numbers of each row that are drawn beside each other."""

    key: str
    label: str


class Chart(Part):
    """How a table is drawn; `of` is what the numbers of `value` are parts of."""

    kind: Literal["lines", "bars", "groups", "shares", "months"]
    x: str
    unit: Literal["count", "money", "rate"]
    series: list[Series] = []
    value: str = ""
    of: str = ""
    low: str = ""
    high: str = ""
    label: str = ""


class Column(Part):
    """One column of a table."""

    key: str
    label: str
    unit: Literal["text", "code", "day", "count", "money", "rate", "signed", "list"] = "text"
    low: str = ""
    high: str = ""


class Section(Part):
    """One list of an answer as a table; `none` is said where it is empty, which is left out otherwise."""

    name: str
    title: str
    columns: list[Column]
    none: str = ""
    chart: Chart | None = None


class Layout(Part):
    """One report; of another number of `days` it is called `otherwise`."""

    title: str
    days: int | None = None
    otherwise: str = ""
    sections: list[Section]


@lru_cache(maxsize=1)
def layouts() -> dict[str, Layout]:
    """The layout of each report, by the name of its action."""
    import yaml  # only reports pay for it

    text = Path(__file__).with_name("layouts.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, Layout]).validate_python(yaml.safe_load(text))
