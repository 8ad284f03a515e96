"""A plan that waits for a yes, in words and numbers: what an agent shows to a person before it goes on."""

from datetime import UTC, datetime

from klaviyo_mcp.actions.confirmation import LIFE, Pledge
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.loose_json import JSON

CONFIRM_TOOL = "confirm_action"


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
    data |= {key: value for key, value in shown.items() if value not in (None, [], "")}
    data |= {key: answer.data[key] for key in ("requests", "steps") if key in answer.data}
    return Answer(data, answer.summary)


def held(plan: Plan, found: Told, pledge: Pledge, since: str = "") -> Answer:
    """The answer to a call that has to be confirmed (`since` says why): nothing was done, and what would be."""
    shown = told(plan, found)
    data: JSON = {
        "done": False,
        "confirmation": {
            "needed_since": since or f"{plan.action.name} is {plan.effect}",
            "token": pledge.token,
            "confirm_with": CONFIRM_TOOL,
            "expires_at": datetime.fromtimestamp(pledge.expires, UTC).isoformat(),
        },
        **{key: value for key, value in shown.data.items() if key != "sent"},
    }
    says = " ".join(_sentence(text) for text in data["does"])
    return Answer(
        data,
        f"NOT DONE YET, nothing was sent: {plan.action.name} has to be confirmed. {says} Show this to the user. If "
        f"they agree, call {CONFIRM_TOOL} with the token within {LIFE // 60} minutes; if not, do nothing.",
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
