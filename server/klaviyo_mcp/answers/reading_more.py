"""Going through an answer that is kept: what read_more answers, within a budget, without a request to Klaviyo."""

from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.answers.budget import NoSuchPart, fitted, moved, part_of, size_of
from klaviyo_mcp.answers.dotted import lists_in, longest_list, main_list, value_at
from klaviyo_mcp.answers.kept_answers import KeptAnswer
from klaviyo_mcp.answers.querying import Query, check_names, chosen, computed, not_compared
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.answers.user_content import NOTE
from klaviyo_mcp.klaviyo.user_text import said
from klaviyo_mcp.loose_json import JSON, is_object, nearest

ROOM = 700
"""Bytes for what is said beside records and groups."""
INCOMPLETE = (
    "These are the {} that were read. Klaviyo has more: call the action again with a larger max_records, or a filter."
)
REFUSED = "read_more was called with arguments that do not fit this answer."


def read_on(kept: KeptAnswer, given: JSON, budget: int) -> Answer:
    """The answer to read_more, whose arguments are checked, in at most `budget` bytes of JSON.

    Raises InvalidArguments, naming what there is, for lists, fields and parts that are not.
    """
    head: JSON = {"answer_id": kept.number, "as_of": f"{kept.made_at:%Y-%m-%dT%H:%M:%SZ}"}
    query = Query.read(given)
    _check_together(given, query)
    if "part" in given:
        return _part(kept, str(given["part"]), head, budget)
    name = _list_meant(kept, given, query)
    if not name:
        return _part(kept, "", head, budget)
    values, main = lists_in(kept.data)[name], main_list(kept.data)
    records = _as_records(values)
    check_names(query, records)
    places = chosen(query, records)
    if name != main:
        head["list"] = name
    notes = not_compared(query, records)
    if name == main and "next_cursor" in kept.data:
        notes.append(INCOMPLETE.format(len(records)))
    if NOTE in kept.data:
        notes.append(str(kept.data[NOTE]))
    if notes:
        head["notes"] = notes
    head |= {"matching": len(places), "of": len(records)}
    first, most = given.get("offset", 0), given.get("limit")
    if query.computes:
        groups = computed(query, [records[place] for place in places])
        if not query.group_by:
            return Answer(head | groups[0], f"{len(places)} of {len(records)} records match.")
        return _groups(head, groups, first, most, budget)
    wanted = places[first : None if most is None else first + most]
    shown, cuts = _shown(query, (name, values), wanted, budget - size_of(head) - ROOM)
    answer = head | {"count": len(shown)}
    if first + len(shown) < len(places):
        answer["next_offset"] = first + len(shown)
    answer["records"] = shown
    if cuts:
        answer |= {"cut": cuts, "how_to_read_on": "Read what is cut with this answer_id and part: PART."}
    more = ", more with next_offset as offset" if "next_offset" in answer else ""
    return Answer(answer, f"{len(shown)} of {len(places)} records that match, of {len(records)}{more}.")


def records_of(kept: KeptAnswer) -> list[Any] | None:
    """What a kept answer lists; None where it lists nothing."""
    name = main_list(kept.data) or longest_list(kept.data)
    return lists_in(kept.data)[name] if name else None


def _as_records(values: list[Any]) -> list[JSON]:
    return [value if is_object(value) else {"value": value} for value in values]


def _check_together(given: JSON, query: Query) -> None:
    problems: list[Problem] = []
    if "part" in given and (query.asks or {"list", "limit", "offset"} & given.keys()):
        problems.append(Problem("part", "goes with answer_id alone", "Leave out part, or the other arguments"))
    if given.get("limit", 1) < 1:
        problems.append(Problem("limit", "must be 1 or more", "For the number alone, give count: true"))
    if given.get("offset", 0) < 0:
        problems.append(Problem("offset", "must not be below 0"))
    if problems:
        raise InvalidArguments(REFUSED, tuple(problems))


def _list_meant(kept: KeptAnswer, given: JSON, query: Query) -> str:
    """The name of the list to go through; "" for the whole of an answer that is about one thing."""
    lists = lists_in(kept.data)
    name = given.get("list") or main_list(kept.data)
    if not name and (query.asks or {"limit", "offset"} & given.keys()):
        name = longest_list(kept.data)
        if not name:
            problem = Problem("list", "this answer has no list to go through", "Read it with part, or answer_id alone")
            raise InvalidArguments(REFUSED, (problem,))
    if name and name not in lists:
        near = nearest(name, lists, most=3)
        meant = f"Did you mean {' or '.join(map(said, near))}? " if near else ""
        there = f"There are: {', '.join(map(said, list(lists)[:20]))}" if lists else "There is none: read it with part"
        raise InvalidArguments(REFUSED, (Problem("list", f"there is no list {name!r}", f"{meant}{there}"),))
    return name


def _part(kept: KeptAnswer, part: str, head: JSON, budget: int) -> Answer:
    try:
        found = part_of(kept.data, part, budget - ROOM // 2)
    except NoSuchPart as error:
        raise InvalidArguments(REFUSED, (Problem("part", str(error), "Take it from an entry of cut"),)) from None
    place = part.partition("@")[0]
    return Answer(head | found, f"{place} of the answer alone." if place else "The answer as a whole, cut to fit.")


def _groups(head: JSON, groups: list[JSON], first: int, most: int | None, budget: int) -> Answer:
    wanted = groups[first : None if most is None else first + most]
    shown = _fitting(wanted, budget - size_of(head) - ROOM)
    answer = head | {"groups": len(groups), "count": len(shown)}
    if first + len(shown) < len(groups):
        answer["next_offset"] = first + len(shown)
    return Answer(answer | {"rows": shown}, f"{len(shown)} of {len(groups)} groups.")


def _shown(query: Query, listed: tuple[str, list[Any]], places: list[int], room: int) -> tuple[list[Any], list[JSON]]:
    """The records of these places that have room, at least one, and what of it had to be cut."""
    name, values = listed
    made = [_selected(record, query.fields) for record in _as_records([values[place] for place in places])]
    shown = _fitting(made, room)
    if shown or not made:
        return shown, []
    inner, cuts = fitted({"record": made[0]}, room)
    # The path of a cut leads to the record where it stands in the answer, so that part finds it.
    path = "record" if is_object(values[places[0]]) else "record.value"
    cuts = [moved(cut, path, f"{name}[{places[0]}]") for cut in cuts]
    return [inner.get("record", {})], cuts


def _selected(record: JSON, fields: tuple[str, ...]) -> JSON:
    """A record, or the fields of it that are wanted, by their dotted names."""
    if not fields:
        return record
    return {name: value for name in fields if (value := value_at(record, name)) is not None}


def _fitting(values: list[Any], room: int) -> list[Any]:
    """As many from the first on as have room."""
    taken = 0
    for index, value in enumerate(values):
        taken += size_of(value) + 1
        if taken > room:
            return values[:index]
    return values
