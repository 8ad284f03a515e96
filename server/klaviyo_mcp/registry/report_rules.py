"""What reports compute and what they find worth a look, as data: `report_rules.yaml`, read with the first report."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.registry.part import STRICT, ActionName

Unit = Literal["count", "money", "rate"]
FORMS = ("count", "days", "money", "rate", "signed", "text")
"""How a number is written in the words of a rule."""


class Part(BaseModel):
    """Base of every part of the file."""

    model_config = STRICT


class Limits(Part):
    """When a number is too small to mean anything; `confidence` is in standard deviations."""

    rate: Annotated[int, Field(ge=1)]
    count: Annotated[int, Field(ge=1)]
    confidence: Annotated[float, Field(gt=0)]


class Measure(Part):
    """A number of a report, and how it is made of sums: see the comment in the file."""

    label: str
    unit: Unit
    sum: str | None = None
    part: str | None = None
    of: list[str] = []
    counted: Annotated[str | None, Field(alias="with")] = None
    chance: bool = False
    channel: str | None = None

    @model_validator(mode="after")
    def is_a_sum_or_a_part(self) -> "Measure":
        """Either `sum`, or `part` and `of`."""
        if (self.sum is None) == (self.part is None) or bool(self.of) != (self.part is not None):
            raise ValueError("a measure has either sum, or part and of")
        return self


class Rule(Part):
    """What is worth a look: `found` is a JMESPath expression over an answer, which makes rows for the words.

    One that is `alone` is told where no other rule has found anything.
    """

    alone: bool = False
    name: ActionName
    reports: Annotated[list[ActionName], Field(min_length=1)]
    found: str
    weight: Annotated[int, Field(ge=1, le=100)]
    says: str
    next: Annotated[str, StringConstraints(min_length=10)]


class ReportRules(Part):
    """The whole file."""

    limits: Limits
    measures: dict[str, Measure]
    rules: list[Rule]

    def of(self, report: str) -> list[Rule]:
        """The rules of a report, those of the greatest weight first."""
        return sorted((rule for rule in self.rules if report in rule.reports), key=lambda rule: -rule.weight)


@lru_cache(maxsize=1)
def report_rules() -> ReportRules:
    """The rules as they are written down."""
    import yaml  # only reports pay for it

    text = Path(__file__).with_name("report_rules.yaml").read_text("utf-8")
    return ReportRules.model_validate(yaml.safe_load(text))
