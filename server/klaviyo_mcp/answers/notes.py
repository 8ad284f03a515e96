"""What an answer says beside its records: the catch of a success, what to look at next, waits, and quota that matters.

What is said of one action stands in its spec; here is what holds for all.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from klaviyo_mcp.actions.clearing import MOST_NAMED, how_to_empty
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.understood import Understood
from klaviyo_mcp.answers.conditions import holds, said
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.requests import QuotaLeft
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, is_object, items, mapping, objects

WORTH_TELLING = 2.0
"""Seconds of waiting for quota from which a call says that it waited."""
NEAR = 2.0
"""Seconds until a window resets from which it matters that nothing is left: a shorter wait is not noticed."""

CLOCKS_DIFFER = timedelta(minutes=2)
"""How far before now `$since` is: what was just sent has a time of Klaviyo's clock, and the call took a while."""


def notes(outcome: Outcome) -> JSON:
    """What an answer says beside its records: the keys below that say something."""
    result = outcome.action.spec.result
    values = _values(outcome)
    meta = mapping(mapping(outcome.replies[-1].document).get("meta")) if outcome.replies else {}
    found: JSON = {
        "kept": _kept(outcome, datetime.now(UTC)),
        "note": result.note,
        "notes": [
            *of_arguments(outcome.understood),
            *_deprecations(outcome),
            *(said(note, values) for note in result.notes if holds(note.when, values)),
        ],
        "verify": _verify(outcome, values),
        "undo": outcome.undo,
        "warnings": [*outcome.warnings, *_warnings(outcome)],
        "attempts": max((reply.attempts for reply in outcome.all_replies if reply.before), default=None),
        "klaviyo_hints": mapping(meta.get("agent_hints")).get("next_steps"),
        "meta": {key: value for key, value in meta.items() if key not in ("agent_hints", "page")},
        "quota": _quota(outcome.replies[-1].quota, datetime.now(UTC)) if outcome.replies else None,
    }
    return {key: value for key, value in found.items() if value}


def of_arguments(understood: Understood) -> list[str]:
    """What was given and not taken: null for what it does not empty, and what the client has added by itself."""
    said: list[str] = []
    if nulls := understood.not_given:
        more = f" and {len(nulls) - MOST_NAMED} more" if len(nulls) > MOST_NAMED else ""
        shown = f"{', '.join(nulls[:MOST_NAMED])}{more}"
        said.append(f"Null counts as not given, and emptied nothing: {shown}. {how_to_empty(nulls)}.")
    if generated := understood.generated:
        place, keys = generated
        shown = keys[0] if len(keys) == 1 else f"{keys[0]} and so on, {len(keys)} in all"
        said.append(
            f"{place} was generated ({shown}), so that sending the same again has no further effect; a new call gets "
            "another one, unless you give it."
        )
    if added := understood.left_out:
        said.append(f"Left out, as some clients add it and it is no argument of this action: {', '.join(added)}.")
    return said


def _values(outcome: Outcome) -> JSON:
    """What holes of notes and of `verify` speak of: arguments, records, lookups, and the answer of steps."""
    records = [
        jsonapi.record(item) for reply in outcome.replies for item in objects(mapping(reply.document).get("data"))
    ]
    return {
        **outcome.arguments,
        "record": records[0] if records else {},
        "records": records,
        "looked_up": outcome.looked_up,
        "answer": outcome.composed or {},
        "since": f"{datetime.now(UTC) - CLOCKS_DIFFER:%Y-%m-%dT%H:%M:%SZ}",
    }


def _verify(outcome: Outcome, values: JSON) -> JSON | None:
    for look in outcome.action.spec.result.verifications:
        if holds(look.when, values):
            return {"action": look.action, "arguments": fill(look.arguments, values)}
    return None


def _deprecations(outcome: Outcome) -> Iterator[str]:
    """What of this call will not be there for ever."""
    spec = outcome.action.spec
    if spec.deprecated is not None:
        yield f"{spec.name}: {spec.deprecated.told}"
    for name, deprecation in spec.deprecated_arguments.items():
        if outcome.arguments.get(name) is not None:
            yield f"{name}: {deprecation.told}"


def _warnings(outcome: Outcome) -> Iterator[str]:
    """What Klaviyo says, in a header, in `warnings` or in the counts of a job, that a success has left undone."""
    for dropped in outcome.partial_failures:
        yield (
            f"Klaviyo carried this out only in part: it dropped {dropped!r} of what was sent "
            "(header X-Klaviyo-Partial-Failure). The rest was taken. Correct that value and send it again."
        )
    for reply in outcome.replies:
        document = mapping(reply.document)
        for source in (document, mapping(document.get("meta"))):
            for warning in items(source.get("warnings")):
                yield f"Klaviyo warns: {one_line(_words(warning))}"
        for record in objects(document.get("data")):
            yield from _failed_rows(mapping(record.get("attributes")), len(objects(document.get("data"))), record)
    for reply in outcome.all_replies:
        if reply.before:
            earlier = "; ".join(dict.fromkeys(reply.before))
            yield f"A request was sent {reply.attempts} times before it was answered: {earlier}"
    if outcome.waited >= WORTH_TELLING:
        yield f"This call waited {outcome.waited:.0f} s for Klaviyo's rate limit: {'; '.join(outcome.wait_reasons)}."


def _failed_rows(job: JSON, many: int, record: JSON) -> Iterator[str]:
    failed = job.get("failed_count")
    if isinstance(failed, int) and failed > 0:
        which = f" of job {record.get('id')}" if many > 1 else ""
        total = f" of {job['total_count']}" if isinstance(job.get("total_count"), int) else ""
        yield f"{failed}{total} rows{which} failed and were not carried out; the job's errors say why."


def _words(warning: Any) -> str:
    if is_object(warning):
        return str(warning.get("detail") or warning.get("title") or warning.get("message") or warning)
    return str(warning)


def _kept(outcome: Outcome, now: datetime) -> JSON | None:
    """How old an answer is that was not asked for anew: that of its oldest part."""
    read_at = min((reply.read_at for reply in outcome.replies if reply.read_at), default=None)
    if read_at is None:
        return None
    return {
        "read_at": f"{read_at:%Y-%m-%dT%H:%M:%SZ}",
        "age_seconds": max(0, round((now - read_at).total_seconds())),
        "note": "Klaviyo was asked this before, and not again. fresh: true asks it, for one more of the day's calls.",
    }


def _quota(left: QuotaLeft, now: datetime) -> str | None:
    """The quota in words where it matters: one for the day, or none left for longer than goes unnoticed."""
    said: list[str] = []
    if left.remaining_today is not None:
        until = ""
        if left.reset_today_seconds is not None:
            until = f" until {now + timedelta(seconds=left.reset_today_seconds):%Y-%m-%dT%H:%MZ}"
        said.append(f"{left.remaining_today} more of these calls today{until}")
    if left.remaining == 0 and (left.reset_seconds or 0) >= NEAR:
        said.append(f"the next one has to wait {left.reset_seconds} s, which a call does by itself where it may")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if said else None
