"""A kind of export as data: which action reads it, what is a row, and in which order rows are gone through.

`export_kinds/*.yaml` has one declaration per kind, and there is no code for a single one. Templates are those of specs.
Their holes are the options of an export, and `$from`, `$until`, `$start` and `$end`, which say where it is.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from klaviyo_mcp.loose_json import JSON, items
from klaviyo_mcp.registry.yaml_text import LOADER


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExportOption(_Part):
    """What narrows an export. `form` is the form of id that it is, for which a name may stand; else it is a switch.

    `there` is the action that reads what has such an id: what is not there is told before an export begins.
    """

    help: str
    required: bool = False
    form: str = ""
    there: str = ""
    gives: list[Any] = Field(default_factory=list[Any])
    """What a switch that is on puts where the option stands."""


class Interval(_Part):
    """One way to cut a report by time: days that one request covers, and what it says besides."""

    days: int = Field(gt=0)
    arguments: JSON = Field(default_factory=dict[str, Any])


class ExportKind(_Part):
    """One kind of export.

    `order` is the field of a row by whose time the action sorts, oldest first, and by which an export moves on; it does
    not change once a row is there. Without one, Klaviyo's cursors alone lead through.
    `rows` are records, or those of a report: one of each group (`values`), or one of each group and time (`series`).
    `related` are the relations that a row has, with the fields that are joined in.
    `columns` come first in a table, also where nothing is in them. `open` is the object whose keys anybody may invent,
    `times` are columns that hold times. `intervals` are those of a report, the first by default. `pinned` are arguments
    that the account says, and that are asked for once. `says` is told before an export begins.
    """

    name: str = Field(pattern=r"^[a-z][a-z-]*$")
    title: str
    action: str
    arguments: JSON
    options: dict[str, ExportOption] = Field(default_factory=dict[str, ExportOption])
    rows: Literal["records", "values", "series"] = "records"
    order: str = ""
    related: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    columns: list[str]
    open: str = ""
    times: list[str] = Field(default_factory=list[str])
    intervals: dict[str, Interval] = Field(default_factory=dict[str, Interval])
    pinned: list[str] = Field(default_factory=list[str])
    says: list[str] = Field(default_factory=list[str])

    @property
    def takes_times(self) -> bool:
        """Whether it can be narrowed by time."""
        return bool(self.order or self.intervals)


@cache
def load_export_kinds() -> dict[str, ExportKind]:
    """Every kind by its name, in alphabetical order. Raises pydantic's ValidationError for a wrong declaration."""
    folder = files("klaviyo_mcp.jobs") / "export_kinds"
    texts = [file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".yaml")]
    read = [yaml.load(text, LOADER) for text in texts]  # noqa: S506 - it is a safe one
    kinds = [ExportKind.model_validate(one) for document in read for one in items(document)]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}
