"""What a call would do, in words and numbers that are looked up in the account before it is confirmed."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.actions.steps import given
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.words import quoted
from klaviyo_mcp.loose_json import JSON, is_list, mapping
from klaviyo_mcp.registry.consequences import Look

BLANK = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_.]*)\}")
MOST_NAMED = 10
"""Names of a list that a sentence tells; of more, how many there are besides."""
MOST_LOOKED_AT = 25
"""Items of a list that are looked at one by one."""
Read = Callable[[str, JSON], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Told:
    """What was found: sentences, how many people or records are reached, what must stay the same, what is not known."""

    says: tuple[str, ...] = ()
    people: int | None = None
    same: JSON | None = None
    unknown: tuple[str, ...] = ()
    undo: str = ""


async def consequences(plan: Plan, read: Read) -> Told:
    """What a plan would do, as its spec and those of its known parts tell it; `read` looks into the account.

    A look that fails is told as not known: it keeps nobody from deciding.
    """
    told = [await _of(part, read) for part in _parts(plan)]
    people = [one.people for one in told if one.people is not None]
    same: JSON = {}
    for index, one in enumerate(told):
        same |= {f"{index}.{name}" if index else name: value for name, value in (one.same or {}).items()}
    return Told(
        tuple(dict.fromkeys([*plan.because, *(sentence for one in told for sentence in one.says)])),
        sum(people) if people else None,
        same,
        tuple(dict.fromkeys(text for one in told for text in one.unknown)),
        next((one.undo for one in told if one.undo), ""),
    )


def _parts(plan: Plan) -> list[Plan]:
    """The plans whose specs tell something: its own, or those of what it is made of."""
    if plan.action.spec.consequences != type(plan.action.spec.consequences)():
        return [plan]
    if plan.chosen is not None:
        return _parts(plan.chosen)
    return [found for step in plan.steps or () for call in step.calls or () for found in _parts(call)][:MOST_LOOKED_AT]


async def _of(plan: Plan, read: Read) -> Told:
    spec = plan.action.spec.consequences
    values: JSON = dict(plan.arguments)
    unknown: list[str] = []
    for look in spec.looks:
        if not all(given(hole, values) for hole in look.when):
            continue
        try:
            values[look.name] = await _looked(look, values, read)
        except (ActionError, KlaviyoError) as error:
            unknown.append(f"{look.name.replace('_', ' ')}: {look.action} could not tell ({error.code})")
    people = read_hole(spec.people, values) if spec.people else None
    return Told(
        tuple(sentence for text in spec.says if (sentence := _filled(text, values)) is not None),
        len(people) if is_list(people) else people if isinstance(people, int) else None,
        {path: value for path in spec.same if (value := read_hole(path, values)) is not ABSENT},
        tuple(unknown),
        spec.undo or "",
    )


async def _looked(look: Look, values: JSON, read: Read) -> JSON:
    """What sentences see of a look."""
    if look.each is None:
        return _seen(await read(look.action, fill(look.arguments, values)))
    listed = read_hole(look.each[1:], values)
    found: list[JSON] = []
    for item in (listed if is_list(listed) else [])[:MOST_LOOKED_AT]:
        outcome = await read(look.action, fill(look.arguments, {**values, "item": item}))
        found += [outcome.composed] if outcome.composed is not None else outcome.records
    return _collected(found)


def _seen(outcome: Outcome) -> JSON:
    if outcome.composed is not None:
        return outcome.composed
    records = outcome.records
    if outcome.action.spec.result.kind in ("collection", "identifiers"):
        return _collected(records)
    return records[0] if records else mapping(outcome.replies[0].document) if outcome.replies else {}


def _collected(records: list[JSON]) -> JSON:
    names = [record["name"] for record in records if record.get("name")]
    ids = [record["id"] for record in records if record.get("id")]
    return {"count": len(records), "ids": ids, "names": names, "records": records}


def _filled(text: str, values: JSON) -> str | None:
    """A sentence, None where a part of it is not known or empty. What people have written stands in quotes."""
    lacking = False

    def put(blank: re.Match[str]) -> str:
        nonlocal lacking
        value = read_hole(blank[1], values)
        if value is ABSENT or value in (None, "", []):
            lacking = True
            return ""
        return _said(value)

    filled = BLANK.sub(put, text)
    return None if lacking else filled


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    if is_list(value):
        more = f" and {len(value) - MOST_NAMED:,} more" if len(value) > MOST_NAMED else ""
        return ", ".join(_said(one) for one in value[:MOST_NAMED]) + more
    return quoted(str(value))
