"""An answer without what a shop's customers and visitors wrote, for servers that must not show it to a model."""

from dataclasses import replace
from typing import Any

from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.user_text import UserText, is_written_by_users, without_said
from klaviyo_mcp.loose_json import JSON, is_list, is_object

NOTE = "user_content_left_out"
SAYS = "Written by customers or visitors, which this server does not show (--no-user-content): "
MOST_NAMED = 20
NO_UNDO = "There is a way back, but it holds what customers wrote, which this server does not show."


def allowed(answer: Answer, *, user_content: bool) -> Answer:
    """The answer as a server may show it, with the words of customers or without."""
    return answer if user_content else without_user_content(answer)


def without_user_content(answer: Answer) -> Answer:
    """The answer without the words of customers and visitors, and with a line that names the fields they stood in."""
    return replace(answer, data=without_their_words(answer.data), summary=without_said(str(answer.summary)))


def without_their_words(data: JSON) -> JSON:
    """The data of an answer without them, and with that line."""
    if not is_written_by_users(data):
        return data
    names: dict[str, None] = {}
    if is_written_by_users(data.get("undo")):
        # A call with some of its arguments would take back something else.
        data = {**data, "undo": {"note": NO_UNDO}}
    left: JSON = _without(data, names)
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        told = f"{SAYS}{', '.join(list(names)[:MOST_NAMED])}{more}."
        if "error" in left:
            left["error"] = {**left["error"], NOTE: told}
        else:
            left[NOTE] = told
    return left


def _without(value: Any, names: dict[str, None]) -> Any:
    if isinstance(value, str):
        return without_said(value)
    if is_list(value):
        return [_without(item, names) for item in value if not isinstance(item, UserText)]
    if not is_object(value):
        return value
    kept: JSON = {}
    for key, inner in value.items():
        if isinstance(key, UserText) or isinstance(inner, UserText):
            if not isinstance(key, UserText):
                names[key] = None
            continue
        left = _without(inner, names)
        if left in ({}, []) and inner not in ({}, []):
            names[key] = None
            continue
        kept[key] = left
    return kept
