"""Klaviyo's answer, made small: flat records, the cursor, and a line that says what they are."""

from dataclasses import dataclass, replace

from klaviyo_mcp.actions.cursors import Position
from klaviyo_mcp.actions.errors import PartMissing
from klaviyo_mcp.actions.outcome import Outcome, Pages
from klaviyo_mcp.answers.budget import BUDGET, NoSuchPart, fitted, part_of, size_of
from klaviyo_mcp.answers.notes import notes
from klaviyo_mcp.answers.records import Shown
from klaviyo_mcp.answers.related import included
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.user_text import joined
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.registry import Action


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent gets: `data` is JSON for programs and models, `summary` one line that says what it is."""

    data: JSON
    summary: str
    whole: JSON | None = None
    """All of it, where `data` does not show all, or shows what came on several pages."""


def shape(outcome: Outcome, budget: int = BUDGET) -> Answer:
    """The answer for what became of a call, in at most `budget` bytes of JSON.

    Records, count, summary and cursor speak of the same records: what does not fit is left out of all of them, and the
    cursor goes on with the first one left out. Raises PartMissing when a part is asked for that is not there.
    """
    pages, listing = outcome.pages, _Listing.of(outcome)
    whole = _alone(outcome) if listing is None else listing.answer(len(listing.wanted))
    if pages is not None and pages.part:
        try:
            found = part_of(whole.data, pages.part, budget)
        except NoSuchPart as error:
            raise PartMissing(f"{outcome.action.name} was called, and its answer has no such part: {error}.") from None
        kept = {"kept": whole.data["kept"]} if "kept" in whole.data else {}
        return Answer(found | kept, f"{pages.part.partition('@')[0]} of the answer alone.")
    if listing is None:
        return _with_all(_cut(outcome, whole, budget), whole)
    count, answer = len(listing.wanted), whole
    while count > 1 and (size := size_of(answer.data)) > budget:
        count = max(1, min(count - 1, count * budget // size))
        answer = listing.answer(count)
    return _with_all(_cut(outcome, answer, budget), whole, several=len(outcome.replies) > 1)


def _with_all(answer: Answer, whole: Answer, *, several: bool = False) -> Answer:
    """The answer, and all that it would say if it had the room; also where that is the same, of `several` pages."""
    return answer if answer.data is whole.data and not several else replace(answer, whole=whole.data)


def _alone(outcome: Outcome) -> Answer:
    """The answer of what is no listing, without a look at its size."""
    action, made = outcome.action, Shown(outcome, listing=False)
    if outcome.composed is not None:
        data = dict(outcome.composed)
        unchanged = f"{action.spec.title}." if action.effect == "read" else "Nothing was changed."
        summary = outcome.said or ("Done." if outcome.wrote else unchanged)
        if action.spec.result.report:
            data, summary = _reported(outcome, data)
    elif action.spec.result.kind == "raw":
        data, summary = {"result": outcome.replies[-1].document}, f"{action.spec.title}: done."
    else:
        data, summary = _single(action, mapping(outcome.replies[-1].document), made)
    related = included(outcome.replies, joined=made.joined)
    data |= ({"included": related} if related else {}) | made.told()
    return Answer(_understood(outcome) | data | notes(outcome), summary)


CHARTS_ASKED = "Pictures come with a report that is called by itself over MCP; klaviyo-mcp report writes a page."
"""What an answer says of `charts` until they are drawn."""


def _reported(outcome: Outcome, data: JSON) -> tuple[JSON, str]:
    """The answer of a report, and in a line what it covers and what is worth a look."""
    if outcome.arguments.get("charts") is True:
        data = {**data, "charts": CHARTS_ASKED}
    covers = mapping(data.get("covers"))
    against = f" against {covers['compared_with']}" if covers.get("compared_with") else ""
    first = f"{outcome.action.spec.title}, {covers.get('first_day')} to {covers.get('last_day')}{against}."
    looks = objects(data.get("worth_a_look"))
    said = [word for number, look in enumerate(looks, 1) for word in (f"{number}.", look["says"])]
    return data, joined([first, *said], " ")


def _understood(outcome: Outcome) -> JSON:
    """How the arguments were read, which fields were emptied, and what the numbers of a report cover."""
    understood = outcome.understood
    told: JSON = {"read_as": understood.read_as, "cleared": [*understood.cleared], "covers": outcome.covers}
    return {key: value for key, value in told.items() if value}


def _cut(outcome: Outcome, answer: Answer, budget: int) -> Answer:
    """The answer with its long texts, lists and deep parts cut as far as its size needs, and how to read the rest."""
    if size_of(answer.data) <= budget:
        return answer
    whole = answer.data
    room = budget - min(700, budget // 2)
    data, cuts = fitted(whole, room, WHOLE)
    if "undo" in whole and size_of(data) > room:
        data, cuts = fitted({**whole, "undo": _named(whole["undo"])}, room, WHOLE)
    how = (
        "The answer is too long to be shown whole. Read what is cut, one part at a time: call again with the same "
        "arguments and part: PART, as the entries of cut name it."
        if outcome.pages is not None
        else "What was done is done; this record of it is too long to be shown whole."
    )
    return Answer({**data, "cut": cuts, "how_to_read_on": how}, answer.summary)


def _named(undo: JSON) -> JSON:
    """A way back that is longer than an answer: a call with some of its arguments would take back something else."""
    note = f"Its arguments are too long to be shown: {', '.join(undo['arguments'])}. {undo.get('note', '')}"
    return {"action": undo["action"], "note": note.rstrip()}


WHOLE = frozenset(
    {
        "kept",
        "count",
        "next_cursor",
        "left_out",
        "note",
        "notes",
        "verify",
        "undo",
        "warnings",
        "attempts",
        "quota",
        "status",
        "cleared",
    }
)
"""What is never cut: it says how to go on, and is short. `undo`, which may be long, is whole or without arguments."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One record of a collection, or row of a report: what it is, and where: which reply, and which of that reply."""

    value: JSON
    reply: int
    index: int


@dataclass(frozen=True, slots=True)
class _Listing:
    """The records or rows of a read: all that came and were not shown before, and those of them that are wanted."""

    outcome: Outcome
    pages: Pages
    items: tuple[_Item, ...]
    wanted: tuple[_Item, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> "_Listing | None":
        """The listing that an outcome is, None when it is something else."""
        pages, result = outcome.pages, outcome.action.spec.result
        if pages is None or not (result.rows or result.kind in ("collection", "identifiers")):
            return None
        found: list[_Item] = []
        for number, reply in enumerate(outcome.replies):
            data = mapping(reply.document).get("data")
            values = objects(mapping(mapping(data).get("attributes")).get(result.rows) if result.rows else data)
            found += [_Item(value, number, index) for index, value in enumerate(values)]
        left = tuple(found[pages.skip :])
        return cls(outcome, pages, left, left[: pages.most])

    def answer(self, count: int) -> Answer:
        """The answer that shows the first so many."""
        outcome, result, shown = self.outcome, self.outcome.action.spec.result, self.wanted[:count]
        values, made = [item.value for item in shown], Shown(outcome, listing=True)
        if result.rows:
            resource = mapping(mapping(outcome.replies[-1].document).get("data"))
            records: JSON = {"record": {**jsonapi.record(resource), result.rows: values}}
        elif result.kind == "identifiers":
            records = {"ids": [value["id"] for value in values if "id" in value]}
        else:
            records = {"records": made.records(values)}
        # How it goes on stands first: what comes last is what a client cuts off.
        data: JSON = {"count": len(shown)}
        position = self._after(count)
        if position is not None:
            data["next_cursor"] = self.pages.seal(position)
        if count < len(self.wanted):
            data["left_out"] = (
                f"{count} of {len(self.wanted)} are here, for length; next_cursor goes on with the others. "
                "Ask for fewer fields to see more at once."
            )
        data |= records
        if not result.rows and (related := included(outcome.replies, values, made.joined)):
            data["included"] = related
        data |= made.told() | _understood(outcome) | notes(outcome)
        if self.pages.stopped:
            stopped = f"Stopped after {len(self.wanted)} records: {self.pages.stopped} Go on with next_cursor."
            data["warnings"] = [*data.get("warnings", []), stopped]
        if not shown and position is None:
            return Answer(data, f"Nothing found: {_counted(outcome.action, 0)}.")
        more = ", more with next_cursor" if position is not None else ""
        return Answer(data, f"{_counted(outcome.action, len(shown))}{more}.")

    def _after(self, count: int) -> Position | None:
        """Where the listing goes on after so many, None when there is no more."""
        action, question = self.pages.action, self.pages.question
        if count < len(self.items):
            first = self.items[count]
            return Position(action, question, self.pages.cursors[first.reply], first.index)
        cursor = jsonapi.next_cursor(mapping(self.outcome.replies[-1].document))
        return Position(action, question, cursor) if cursor is not None else None


def _counted(action: Action, count: int) -> str:
    """So many of what an operation gives: the last word of its path is what Klaviyo calls several of them."""
    kind = (action.spec.result.type or "record").replace("-", " ")
    if action.spec.result.rows:
        return f"{count} row{'' if count == 1 else 's'} of the report"
    several = action.http.path.rpartition("/")[2].replace("-", " ") if action.http else "records"
    return f"{count} {kind}" if count == 1 else f"{count or 'no'} {several}"


def _single(action: Action, document: JSON, made: Shown) -> tuple[JSON, str]:
    """One record, or the news that work was accepted or done."""
    found = objects(document.get("data"))
    record = made.record(found[0]) if found else None
    title = action.spec.title
    data: JSON = {}
    if action.spec.result.kind in ("job", "accepted"):
        data["status"] = "accepted"
        summary = f"{title}: accepted. Klaviyo works on it; this does not yet say that it is done."
    elif record is None and action.spec.effect == "read":
        data |= {"status": "nothing_found", "record": None}
        summary = f"{title}: nothing found, there is none."
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
    return data, summary
