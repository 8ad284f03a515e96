"""A plan that waits for a yes, in words and numbers: what an agent shows to a person before it goes on."""

import json
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.actions.confirmation import LIFE, Pledge
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.user_text import piece
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.tool_names import CONFIRM

LONGEST_BODY = 4_000
"""Characters of a request's body that are shown whole."""
MOST_ITEMS = 2
LONGEST_TEXT = 500
MOST_REQUESTS = 10
"""Requests of one step that are shown."""


def told(plan: Plan, found: Told) -> Answer:
    """A preview with what the account says of it."""
    answer = preview(plan)
    data: JSON = {key: value for key, value in answer.data.items() if key not in ("requests", "steps")}
    shown: JSON = {
        "does": list(found.says) or [plan.action.spec.summary],
        "reaches": found.people,
        "undo": found.undo,
        "not_known": list(found.unknown),
    }
    data |= {key: value for key, value in shown.items() if value not in (None, [], "")} | found.shown
    if "requests" in answer.data:
        data |= _bounded({"requests": answer.data["requests"]})
    if "steps" in answer.data:
        data["steps"] = [_bounded(step) for step in answer.data["steps"]]
    return Answer(data, answer.summary)


def held(plan: Plan, found: Told, pledge: Pledge, since: str) -> Answer:
    """The answer to a call that has to be confirmed (`since` says why): nothing was done, and what would be."""
    shown = told(plan, found)
    data: JSON = {
        "done": False,
        "confirmation": {
            "needed_since": since,
            "token": pledge.token,
            "confirm_with": CONFIRM,
            "expires_at": datetime.fromtimestamp(pledge.expires, UTC).isoformat(),
        },
        **{key: value for key, value in shown.data.items() if key != "sent"},
    }
    says = " ".join(_sentence(text) for text in data["does"])
    return Answer(
        data,
        f"NOT DONE YET, nothing was sent: {plan.action.name} has to be confirmed. {says} Show this to the user. If "
        f"they agree, call {CONFIRM} with the token within {LIFE // 60} minutes; if not, do nothing.",
    )


def question(plan: Answer) -> str:
    """What `told` has of a plan, as a question to a person, in lines."""
    data = plan.data
    lines = [f"{data['action']} ({data['effect']}):", *(f"- {text}" for text in data["does"])]
    lines += [f"- not known: {text}" for text in data.get("not_known", [])]
    lines += [f"- {data['undo']}"] if data.get("undo") else []
    return "\n".join(lines)


def _bounded(shown: JSON) -> JSON:
    """Requests that fit beside the words: of many the first ones, of a large body its size and first items."""
    requests: list[JSON] = shown.get("requests", [])
    bounded: JSON = {**shown, "requests": [_request(one) for one in requests[:MOST_REQUESTS]]} if requests else shown
    if len(requests) > MOST_REQUESTS:
        bounded["more_requests"] = len(requests) - MOST_REQUESTS
    return bounded


def _request(request: JSON) -> JSON:
    found = {**request, "path": _text(request["path"])}
    if "body" in request and (size := len(json.dumps(request["body"], ensure_ascii=False))) > LONGEST_BODY:
        cut = _begun(request["body"])
        fits = len(json.dumps(cut, ensure_ascii=False)) <= LONGEST_BODY
        found["body"] = {"characters": size, "cut": True, **({"begins": cut} if fits else {})}
    return found


def _begun(value: Any) -> Any:
    """A value with the first items of its lists and the beginning of its texts."""
    if is_object(value):
        return {key: _begun(inner) for key, inner in value.items()}
    if is_list(value):
        more = [f"… {len(value) - MOST_ITEMS:,} more of {len(value):,}"] if len(value) > MOST_ITEMS else []
        return [*(_begun(item) for item in value[:MOST_ITEMS]), *more]
    return _text(value)


def _text(value: Any) -> Any:
    cut = isinstance(value, str) and len(value) > LONGEST_TEXT
    return piece(value, 0, LONGEST_TEXT) + f"… ({len(value):,} characters)" if cut else value


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
