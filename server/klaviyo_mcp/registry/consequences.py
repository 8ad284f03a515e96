"""What a spec declares of how far a call reaches: what makes it stronger, and what is told before it runs."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.part import STRICT, ActionName
from klaviyo_mcp.registry.precondition import Place, Scalar

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


class Look(Reach):
    """A read whose answer is told before a call is confirmed; later looks and sentences see it by its `name`.

    A record is seen by its fields; a collection by `count`, `ids` and `names`; what is made of steps by its own answer.
    With `each`, the read is made for each item of a list, as `$item`, and seen as a collection. It is left out unless
    all holes in `when` are there and not empty.
    """

    name: ActionName
    action: ActionName
    arguments: JSON
    each: str | None = None
    when: list[str] = []


class Consequences(Reach):
    """What is looked up and told before a call is confirmed.

    `says` are sentences with `{argument}`, `{look.field}` in them; one of which a part is not known is left out.
    `people` is where the number of people or records that the call reaches is, which `expect` is held against, and
    `same` what must be as it was when the plan was shown. `undo` says how it can be taken back, or that it cannot.
    """

    looks: list[Look] = []
    says: list[Sentence] = []
    people: Path | None = None
    same: list[Path] = []
    undo: Sentence | None = None
