"""What a spec declares of how far a call reaches: what makes it stronger, and what is told before it runs."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.notes import Hole
from klaviyo_mcp.registry.part import STRICT, ActionName
from klaviyo_mcp.registry.places import Place, Scalar

Sentence = Annotated[str, StringConstraints(min_length=3, max_length=300, pattern=r"^[^\n]*$")]
Path = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z0-9_]+)*$")]


class Reach(BaseModel):
    """Base of every part of it."""

    model_config = STRICT


class MoreThan(Reach):
    """The lists at `of` hold more than so many items together."""

    of: list[Place]
    items: Annotated[int, Field(ge=0)]


class EffectWhen(Reach):
    """Arguments that make a call stronger than the action is in general, and what they do, in words.

    All that is stated must be so: values at places in `when`, `more_than` so many items, something emptied (`clears`).
    """

    effect: Literal["write", "destructive"] = "destructive"
    when: dict[Place, Scalar | list[Scalar]] = {}
    more_than: MoreThan | None = None
    clears: bool = False
    says: Sentence

    @model_validator(mode="after")
    def states_something(self) -> "EffectWhen":
        """Without a condition it would be the action's effect."""
        if not (self.when or self.more_than or self.clears):
            raise ValueError("effect_when states when: values in 'when', 'more_than', or 'clears'")
        return self


class Saying(Reach):
    """A sentence that is told where all holes in `when` are given, and none of `unless`."""

    text: Sentence
    when: list[Hole] = []
    unless: list[Hole] = []


class Slices(Reach):
    """A list that a read is made for in slices of at most `size`; the slice is the hole `$batch`."""

    of: Hole
    size: Annotated[int, Field(ge=1)]


class Look(Reach):
    """A read whose answer is told before a call is confirmed; later looks and sentences see it by its `name`.

    A record is seen by its fields; a collection by `count`, `ids`, `names`, `records` and `sums`, which adds up each
    number that records have; what is made of steps by its own answer. With `each`, the read is made for each item of a
    list, as `$item`, with `batch` for slices of one, and seen as one collection. `mentions` keeps only those records
    of a collection in which this value stands anywhere; `tally` counts, as `tallied`, those with these values.
    It is left out unless all holes in `when` are there and not empty, and none of `unless`.
    """

    name: ActionName
    action: ActionName
    arguments: JSON
    each: Hole | None = None
    batch: Slices | None = None
    mentions: Hole | None = None
    tally: dict[Path, Scalar | list[Scalar]] = {}
    when: list[Hole] = []
    unless: list[Hole] = []

    @model_validator(mode="after")
    def one_way_through_a_list(self) -> "Look":
        """Single items and slices exclude each other."""
        if self.each and self.batch:
            raise ValueError("a look has 'each' or 'batch', not both")
        return self


class Strangers(Reach):
    """The items of a list, as `name`, that no record of the looks in `among` is: by the first of `keys` an item has.

    Compared without regard to case, since Klaviyo stores e-mail addresses in lower case. Not known where a look failed.
    """

    name: ActionName
    of: Hole
    keys: Annotated[list[str], Field(min_length=1)]
    among: Annotated[list[ActionName], Field(min_length=1)]
    when: list[Hole] = []


class Losing(Reach):
    """The fields that the records at `of` have with another value than the record at `against`, as `name`.

    Each is an object of one field, by its dotted name, with the value at `of`. What either lacks is passed over, as are
    the fields in `besides` and what lies inside of them. Not known where a look failed.
    """

    name: ActionName
    of: Path
    against: Path
    besides: list[Path] = []


class Refusal(Reach):
    """A call that is never carried out, whoever confirms it: where `some` holds something, or `none` is 0 or empty.

    What is not known refuses nothing; it is told as a warning. Holes in `unless` that are given allow it.
    """

    some: Path | None = None
    none: Path | None = None
    unless: list[Hole] = []
    argument: str = ""
    says: Sentence
    fix: Sentence

    @model_validator(mode="after")
    def one_condition(self) -> "Refusal":
        """Two would not say which was meant."""
        if (self.some is None) == (self.none is None):
            raise ValueError("a refusal has either 'some' or 'none'")
        return self


class WayBack(Reach):
    """The call that takes a write back, told with its success. Of several, the first that can be made.

    Its holes are arguments, looks and `$record`, the record in the answer or the answer of steps. With `restores`, the
    name of a look, each argument that was given gets the value that the look found there before; what was empty is
    emptied. `unsets` is the argument that takes the names of `properties` which were not there.
    """

    action: ActionName
    arguments: JSON = {}
    restores: ActionName | None = None
    unsets: ActionName | None = None
    when: list[Hole] = []
    unless: list[Hole] = []
    note: Sentence | None = None


class Consequences(Reach):
    """What is looked up and told before a call is confirmed, and what takes it back.

    `says` are sentences with `{argument}`, `{look.field}` in them, `{a_time in look.timezone}` for a moment in a time
    zone; one of which a part is not known is left out. A path through a list means all its items.
    `people` is where the number of people or records that the call reaches is, of several paths the sum of those
    known; `expect` is held against it. `same` must be as it was when the plan was shown.
    `undo` says how it can be taken back, or that it cannot.
    """

    looks: list[Look] = []
    strangers: list[Strangers] = []
    losing: list[Losing] = []
    refuses: list[Refusal] = []
    says: list[Sentence | Saying] = []
    people: Path | list[Path] = []
    same: list[Path] = []
    undo: Sentence | None = None
    way_back: list[WayBack] = []

    @property
    def sayings(self) -> list[Saying]:
        """What is in `says`, whichever way it is written."""
        return [one if isinstance(one, Saying) else Saying(text=one) for one in self.says]

    @property
    def counted(self) -> list[str]:
        """The paths in `people`."""
        return [self.people] if isinstance(self.people, str) else self.people
