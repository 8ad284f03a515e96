"""Going on with an answer: what a cursor asks again, from which record on, and a part of an answer alone.

`cursor` and `part` belong to every action that reads, whether or not its operation has pages: our own cursors point
into whatever was cut.
"""

import json
from dataclasses import dataclass

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.cursors import InvalidCursor, Position, is_ours, unseal
from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.forms import shown
from klaviyo_mcp.actions.links import arguments_of_link, is_link
from klaviyo_mcp.actions.settled import NOTHING, Settled
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.registry import Action

BESIDE = {"cursor", "fresh", "max_records", "part"}
"""Arguments that say how much of an answer is wanted, and how new, and not what is asked for."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The arguments of a call without what is ours: how many records of its first page were shown, and a part of it."""

    arguments: object
    skip: int = 0
    part: str = ""


def resume(action: Action, given: object, account: Account | None, settled: Settled = NOTHING) -> Resumed:
    """What a call asks, with its cursor opened. Raises InvalidArguments.

    Without an account (a preview) a cursor of ours is taken as it is.
    """
    if action.effect != "read":
        return Resumed(given)
    asked = _object(given)
    if asked is None:
        return Resumed(given)
    part, cursor = asked.get("part"), asked.get("cursor")
    rest = {name: value for name, value in asked.items() if name not in ("part", "cursor")}
    if "part" in asked and ("part" in action.spec.properties or not isinstance(part, str)):
        rest["part"] = part
        part = ""
    if not isinstance(cursor, str):
        return Resumed({**rest, "cursor": cursor} if "cursor" in asked else rest, part=part or "")
    if not cursor.strip():
        return Resumed(rest, part=part or "")
    try:
        if is_ours(cursor):
            position = unseal(
                cursor, action.name, account.name if account else None, account.cursor_key if account else None
            )
            return Resumed(_joined(action, position, rest, settled), position.offset, part or "")
        if is_link(cursor):
            return Resumed(_of_link(action, cursor, rest, settled), part=part or "")
    except InvalidCursor as error:
        raise _refused(action, [Problem("cursor", str(error))]) from None
    return Resumed({**rest, "cursor": cursor}, part=part or "")


def question_of(arguments: JSON) -> JSON:
    """The arguments that say what is asked for."""
    return {name: value for name, value in arguments.items() if name not in BESIDE}


def _object(given: object) -> JSON | None:
    """The arguments as an object, None when they are none; `check_arguments` says what is wrong with them then."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return None
    return given if is_object(given) else None


def _joined(action: Action, position: Position, given: JSON, settled: Settled) -> JSON:
    """The question of a cursor, and what was given beside it, which may not be another question."""
    given_size = given.get("page_size")
    question = dict(position.question)
    if given_size is not None and position.offset == 0:
        # At the beginning of a page another size only means how much is read at once.
        question["page_size"] = given_size
    own = {name: value for name, value in given.items() if name not in BESIDE}
    if own:
        before = check_arguments(action, question, settled).arguments
        now = check_arguments(action, {**question, **own}, settled).arguments
        _check_same(action, before, now)
    page = {} if position.page is None else {"cursor": position.page}
    return {**question, **{name: given[name] for name in given if name in BESIDE}, **page}


def _of_link(action: Action, link: str, given: JSON, settled: Settled) -> JSON:
    asked = arguments_of_link(action, link)
    own = {name: value for name, value in given.items() if name not in BESIDE}
    if own and action.http is not None:
        before = check_arguments(action, {**own, **asked}, settled).arguments
        now = check_arguments(action, {**asked, **own}, settled).arguments
        _check_same(action, before, now)
    return {**given, **asked}


def _check_same(action: Action, before: JSON, now: JSON) -> None:
    differing = [name for name in now if now[name] != before.get(name)]
    if differing:
        problems = [
            Problem(
                name,
                f"is {shown(now[name])}, and the cursor goes on with "
                + (f"{shown(before[name])}" if name in before else "a question without it"),
                "Leave it out to go on, or leave out cursor to ask anew",
            )
            for name in differing
        ]
        raise _refused(action, problems)


def _refused(action: Action, problems: list[Problem]) -> InvalidArguments:
    return InvalidArguments(f"{action.name} was not called: its cursor cannot be gone on with.", tuple(problems))
