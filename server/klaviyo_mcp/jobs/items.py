"""What becomes of a row that was checked."""

from dataclasses import dataclass

from klaviyo_mcp.loose_json import JSON


@dataclass(slots=True)
class Item:
    """A row that can be sent: its first line, the item, who or what it is, the bytes of its JSON, the row as it was.

    The item is complete (`Kind.complete`), so that a key that is made from it is part of who or what it is. `text` is
    its JSON.
    """

    line: int
    body: JSON
    identity: str
    size: int
    raw: str = ""
    text: str = ""


@dataclass(slots=True)
class Rejected:
    """A row that is not sent: the row as it was, why, what to do, and the column at fault ("" for the row).

    `why` is said of that column, and goes on with others at fault. `duplicate` is true where another row stands for it
    by the rule that was chosen: it is left out, and not wrong. Only `raw` holds values of the row.
    """

    line: int
    raw: str
    why: str
    advice: str
    where: str
    duplicate: bool = False
