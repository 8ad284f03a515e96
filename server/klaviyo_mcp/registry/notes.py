"""The parts of a spec that say something under conditions: notes on a success, and advice on an error."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, StringConstraints, model_validator

from klaviyo_mcp.registry.part import STRICT

Hole = Annotated[str, StringConstraints(pattern=r"^\$[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z0-9_]+)*$")]
PLACEHOLDER = re.compile(r"\{(\$[a-zA-Z_][a-zA-Z0-9_.]*)\}")
"""A hole inside the text of a note, as in `{$record.send_time}`."""

Scalar = str | int | float | bool


class Told(BaseModel):
    """Base of the parts here: immutable, and an unknown key is an error."""

    model_config = STRICT


class Condition(Told):
    """What must hold of the call for a note to be told: everything that is set, and anything when nothing is.

    A hole names an argument, or a part of `$record` (the record in the answer), `$records` (of a collection, or the
    only one), `$looked_up.ACTION` (what a live rule read with that action) or `$answer` (of an action made of steps).
    A path through a list means any of its items. `given` holes are there and not empty, null, 0 or false; `absent` ones
    are not. `equals` names the value, or the values, that one may have; `more_than` counts items or compares numbers;
    `matches` is a regular expression, searched without regard to case.
    """

    given: list[Hole] = []
    absent: list[Hole] = []
    equals: dict[Hole, Scalar | list[Scalar]] = {}
    more_than: dict[Hole, float] = {}
    matches: dict[Hole, str] = {}

    @model_validator(mode="after")
    def expressions_are_valid(self) -> "Condition":
        """A broken regular expression would fail in the middle of a call."""
        for text in self.matches.values():
            try:
                re.compile(text)
            except re.error as error:
                raise ValueError(f"{text!r} is no regular expression: {error}") from None
        return self

    @property
    def holes(self) -> list[str]:
        """Every hole of the condition, without its dollar sign."""
        return [hole[1:] for hole in (*self.given, *self.absent, *self.equals, *self.more_than, *self.matches)]


class Note(Told):
    """A sentence told with a success when its condition holds. `{$hole}` in it is the value, or a list's length."""

    when: Condition = Condition()
    says: str

    def holes(self) -> Iterator[str]:
        """Every hole of the note, in its condition and its text, without dollar signs."""
        yield from self.when.holes
        yield from (hole[1:] for hole in PLACEHOLDER.findall(self.says))


class Advice(Told):
    """What to do after an error of this code; where set, only if a problem's pointer and detail hold these words too.

    Both are compared without regard to case. The first advice that fits is given.
    """

    code: str
    pointer: str | None = None
    detail: str | None = None
    says: str
