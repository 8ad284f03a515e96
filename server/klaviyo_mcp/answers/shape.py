"""Klaviyo's answer, made small: flat records, the cursor, what happens next, and the quota that is left."""

from dataclasses import dataclass

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.requests import QuotaLeft, Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.registry import Action


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent gets: `data` is JSON for programs and models, `summary` one line that says what it is."""

    data: JSON
    summary: str


def shape(outcome: Outcome) -> Answer:
    """The answer for what became of a call."""
    action = outcome.action
    if outcome.composed is not None:
        data = dict(outcome.composed)
        summary = "Done." if outcome.wrote else "Nothing was changed."
    elif action.spec.result.kind in ("collection", "identifiers"):
        data, summary = _collection(action, outcome.replies)
    elif action.spec.result.kind == "raw":
        data, summary = {"result": outcome.replies[-1].document}, f"{action.spec.title}: done."
    else:
        data, summary = _single(action, mapping(outcome.replies[-1].document))
    data |= _besides(outcome, data)
    return Answer(data, summary)


def _besides(outcome: Outcome, data: JSON) -> JSON:
    """What an answer says beside its records: related ones, what happens next, warnings, and the quota left."""
    result = outcome.action.spec.result
    found: JSON = {
        "read_as": outcome.read_as,
        "covers": outcome.covers,
        "included": _included(outcome.replies),
        "note": result.note,
    }
    if result.verify:
        values = {**outcome.arguments, "record": data.get("record", {})}
        found["verify"] = {"action": result.verify.action, "arguments": fill(result.verify.arguments, values)}
    if outcome.replies:
        meta = mapping(mapping(outcome.replies[-1].document).get("meta"))
        found["klaviyo_hints"] = mapping(meta.get("agent_hints")).get("next_steps")
    found["warnings"] = list(outcome.warnings)
    if outcome.replies:
        found["quota"] = _quota(outcome.replies[-1].quota)
    return {key: value for key, value in found.items() if value}


def _collection(action: Action, replies: tuple[Reply, ...]) -> tuple[JSON, str]:
    """Records (or bare ids) of all pages, how many, and the cursor of the page after the last one."""
    kind = action.spec.result.type
    records = [
        jsonapi.record(item, with_type=kind is None)
        for reply in replies
        for item in objects(mapping(reply.document).get("data"))
    ]
    data: JSON = {"records": records}
    if action.spec.result.kind == "identifiers":
        data = {"ids": [record["id"] for record in records if "id" in record]}
    data["count"] = len(records)
    cursor = jsonapi.next_cursor(mapping(replies[-1].document))
    if cursor:
        data["next_cursor"] = cursor
    name = (kind or "record").replace("-", " ")
    plural = name if len(records) == 1 else f"{name[:-1]}ies" if name.endswith("ry") else f"{name}s"
    return data, f"{len(records)} {plural}{', more with next_cursor' if cursor else ''}."


def _single(action: Action, document: JSON) -> tuple[JSON, str]:
    """One record, or the news that work was accepted or done."""
    found = objects(document.get("data"))
    record = jsonapi.record(found[0]) if found else None
    title = action.spec.title
    data: JSON = {}
    if action.spec.result.kind in ("job", "accepted"):
        data["status"] = "accepted"
        summary = f"{title}: accepted. Klaviyo works on it; this does not yet say that it is done."
    elif record is None:
        data["status"] = "done"
        summary = f"{title}: done."
    elif action.spec.effect == "read":
        kind = (action.spec.result.type or "record").replace("-", " ").capitalize()
        summary = f"{kind} {record['id']}." if record.get("id") else f"{kind}."
    else:
        summary = f"{title}: done."
    if record is not None:
        data["record"] = record
    # Reports come as one record, and their rows in pages.
    if cursor := jsonapi.next_cursor(document):
        data["next_cursor"] = cursor
        summary += " More with next_cursor."
    return data, summary


def _included(replies: tuple[Reply, ...]) -> JSON:
    """Related records of all pages by type, each once."""
    found: dict[str, list[JSON]] = {}
    for reply in replies:
        for kind, records in jsonapi.included(mapping(reply.document)).items():
            known = found.setdefault(kind, [])
            known += [record for record in records if record not in known]
    return found


def _quota(left: QuotaLeft) -> JSON:
    shown = {"left": left.remaining, "of": left.limit, "resets_in_seconds": left.reset_seconds}
    shown |= {"left_today": left.remaining_today, "today_resets_in_seconds": left.reset_today_seconds}
    return {key: value for key, value in shown.items() if value is not None}
