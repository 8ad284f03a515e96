"""Every row checked before anything is sent: made into an item, or told why not."""

from dataclasses import dataclass, field

from klaviyo_mcp.loose_json import JSON


@dataclass(slots=True)
class Item:
    """A row that can be sent: its first line, the item, who or what it is, the bytes of its JSON, the row as it was.

    The item is complete (`Kind.complete`), so that a key that is made from it is part of who or what it is.
    """

    line: int
    body: JSON
    identity: str
    size: int
    raw: str = ""


@dataclass(slots=True)
class Rejected:
    """A row that is not sent: the row as it was, why, what to do, and the column at fault ("" for the row).

    `duplicate` is true where another row stands for it by the rule that was chosen: it is left out, and not wrong.
    Only `raw` holds values of the row.
    """

    line: int
    raw: str
    why: str
    advice: str
    where: str
    duplicate: bool = False


@dataclass(slots=True)
class ProblemGroup:
    """Rows with one problem: the column ("" for the row), what is wrong, what to do, how many, the first lines."""

    where: str
    why: str
    advice: str
    count: int = 0
    lines: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class CheckReport:
    """What a check found; whole once its rows were read to the end.

    `rows` = `good` + `rejected` + `duplicates`. `told` has sentences on what was normalised, with counts.
    """

    rows: int = 0
    good: int = 0
    rejected: int = 0
    duplicates: int = 0
    problems: list[ProblemGroup] = field(default_factory=list[ProblemGroup])
    told: list[str] = field(default_factory=list[str])
    fingerprint: str = ""
