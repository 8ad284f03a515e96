"""What an action is made of that needs several requests: steps, each another action or something made of what is known.

How a run of them goes is in `actions.composites`; what an expression may say in `actions.expressions`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.notes import Hole
from klaviyo_mcp.registry.part import STRICT, ActionName

Expression = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""JMESPath, with the functions of `actions.expressions`."""
MAKE = "$make"
"""The only key of an entry of `answer` that is an expression."""
FACTS = ("now", "account")
"""What expressions see of the account, which is read for it only where one of them asks."""
GIVEN_BY_THE_ENGINE = (*FACTS, "not_read")
"""What expressions see besides arguments and steps: see `StepsRequest`."""


def expression_of(part: Any) -> str | None:
    """The expression that an entry of `answer` is, None for a template."""
    return part[MAKE] if is_object(part) and MAKE in part else None


class StepPart(BaseModel):
    """Base of every part of it."""

    model_config = STRICT


class Batch(StepPart):
    """Run the step once for each slice of at most `size` items of a list; the slice is the hole `$batch`."""

    of: Hole
    size: Annotated[int, Field(ge=1)]


class Match(StepPart):
    """Compare what a step found with what was looked for: `$step.unmatched` holds the items no record has in `field`.

    Compared without regard to case, since Klaviyo stores e-mail addresses in lower case.
    """

    of: Hole
    field: str


class Step(StepPart):
    """One step of a composite action, of one kind.

    - `action` runs another action: once, once per batch, or once per item as `$item`. Later steps see `$name.records`
      (flat, with `related` ids), `ids`, `count`, `rows` (of a report), `included` (records by type), `complete` (false
      where there are more than were read), and with `match` `unmatched`. An action that pages reads as many as its
      argument max_records says.
    - `collect` puts ids of earlier steps together without duplicates; seen as `ids` and `count`.
    - `make` is an expression over all that is known; its value itself is what later steps see.
    - `shows` tells what another action would do, and does nothing: `says`, `people`, `problems` that keep it from being
      done, and what is `not_known`.

    It is skipped, and finds nothing, unless all holes in `when` and none in `unless` are there and not empty.
    `optional` says in words what is missing where a read fails: the action goes on, and its answer says so in
    `not_read`. It is for reads alone; of several calls those that find no such thing count for nothing. `patience` is
    for how many seconds a read is repeated whose answer is not there yet.
    """

    name: ActionName
    action: ActionName | None = None
    shows: ActionName | None = None
    arguments: JSON = {}
    when: list[Hole] = []
    unless: list[Hole] = []
    batch: Batch | None = None
    each: Hole | None = None
    match: Match | None = None
    collect: list[Hole] | None = None
    make: Expression | None = None
    patience: Annotated[int, Field(ge=1, le=20)] | None = None
    optional: Annotated[str, StringConstraints(min_length=3, max_length=100)] | None = None

    @model_validator(mode="after")
    def one_kind(self) -> "Step":
        """A step does one thing; batches and single items exclude each other."""
        if sum(one is not None for one in (self.action, self.collect, self.make, self.shows)) != 1:
            raise ValueError("a step has one of 'action', 'collect', 'make' and 'shows'")
        if self.action is None and any((self.batch, self.each, self.match, self.optional, self.patience)):
            raise ValueError("'batch', 'each', 'match', 'optional' and 'patience' are for a step that has an 'action'")
        if self.batch and self.each:
            raise ValueError("a step has 'batch' or 'each', not both")
        return self


class Caution(StepPart):
    """A sentence added to the answer when the holes in `when` are all there and not empty."""

    when: list[Hole]
    says: str


class StepsRequest(StepPart):
    """An action that needs several requests, each by way of another action, and the answer made of them.

    Reads that stand together and do not depend on each other run side by side, writes one after the other. An entry of
    `answer` is a template with holes, or `{$make: EXPRESSION}`. Besides arguments and steps, expressions see `now` (in
    the account's time zone, ISO 8601), `account` (`timezone`, `currency`) and `not_read` (what is missing).
    """

    steps: list[Step]
    answer: JSON
    warnings: list[Caution] = []
