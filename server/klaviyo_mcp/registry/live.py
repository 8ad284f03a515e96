"""What a precondition can demand of the account itself: reads that are made before anything is sent to change it.

How each is judged is in `actions.live_rules`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.part import STRICT, ActionName
from klaviyo_mcp.registry.places import Place, Scalar

Inside = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_-]*(\.[a-zA-Z0-9_-]+)*$")]
"""A field of a record, or one inside it."""
Wanted = dict[Inside, Scalar | list[Scalar]]
"""Values of fields, any of a list of values; `$argument` stands for what was given."""


class Live(BaseModel):
    """Base of what a rule asks of the account."""

    model_config = STRICT


class Lookup(Live):
    """A read action to run before a write, to look into the account."""

    action: ActionName
    arguments: JSON


class StateLookup(Lookup):
    """A read action, and what one field of its records must be: in `in`, not in `not_in`, or with `filled` not empty.

    Of several records, those are meant that have the values in `where`.
    """

    path: Inside
    allowed: Annotated[list[str | int | bool], Field(alias="in")] = []
    not_in: list[str | int | bool] = []
    filled: bool = False
    where: Wanted = {}

    @model_validator(mode="after")
    def says_what(self) -> "StateLookup":
        """One of the three, or every record would do, or none."""
        if [bool(self.allowed), bool(self.not_in), self.filled].count(True) != 1:
            raise ValueError("a state says one of: which values are right (in) or wrong (not_in), or filled: true")
        return self


class CountLookup(Lookup):
    """What a read finds, with the one that the call adds, may be `at_most` so many. `of` says what they are.

    `newest` says that those that count are among the records that were read, though there may be more.
    """

    of: str
    at_most: int
    newest: bool = False
    where: Wanted = {}


class FoundLookup(Live):
    """Every value at `of` must be the field `by` of a record that one of the `reads` finds, such as who is on a list.

    In the arguments of the reads `$sought` is the list of those values, at most 100 at a time. `lack` says what is
    wrong with one that is not found.
    """

    of: list[Place]
    by: Inside = "id"
    reads: Annotated[list[Lookup], Field(min_length=1)]
    lack: str = "is not in this account"


class LikeLookup(FoundLookup):
    """No value at `of` that the reads do not find may be one letter from one that they do find.

    With `neighbours`, `$sought` also holds what it may have been: one letter fewer, two swapped, one of them twice.
    """

    neighbours: bool = False


class NoneLookup(Lookup):
    """No record that a read finds may have the values in `where`: a name is not taken, a thing is not in use.

    Records with the values in `besides` do not count. `says` is what is wrong where there is one, with `{field}` of it,
    dotted too.
    """

    where: Annotated[Wanted, Field(min_length=1)]
    besides: Wanted = {}
    says: str


def lookups(stated: Any) -> list[Lookup]:
    """The reads that a live rule needs; none for other rules."""
    if isinstance(stated, FoundLookup):
        return stated.reads
    return [stated] if isinstance(stated, Lookup) else []
