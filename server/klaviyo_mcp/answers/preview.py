"""A plan in words and requests: what a call would send, without sending it."""

from collections.abc import Iterable, Iterator

from klaviyo_mcp.actions.consequences import deciding_looks
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.way_back import before_images
from klaviyo_mcp.answers.notes import of_arguments
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.requests import ApiRequest
from klaviyo_mcp.loose_json import JSON


def preview(plan: Plan) -> Answer:
    """The answer that shows a plan: its effect, what is read first, and every request that is known before it runs."""
    data: JSON = {"action": plan.action.name, "effect": plan.effect, "sent": False}
    told: JSON = {
        "read_as": plan.understood.read_as,
        "cleared": [*plan.understood.cleared],
        "notes": of_arguments(plan.understood),
    }
    data |= {key: value for key, value in told.items() if value}
    asked: set[str] = set()
    if checks := list(_checks([plan], asked)):
        data["checks_first"] = checks
    if warnings := [*plan.warnings, *plan.unchecked]:
        data["warnings"] = warnings
    if plan.chosen is not None:
        data["runs"] = plan.chosen.action.name
    if plan.action.service is not None:
        return Answer(data, f"Preview of {plan.action.name}: nothing was sent.")
    if plan.steps is None:
        data["requests"] = _requests([plan])
        return Answer(data, f"Preview of {plan.action.name}: nothing was sent.")
    steps: list[JSON] = []
    for planned in plan.steps:
        shown: JSON = {"action": planned.step.action}
        if planned.error is not None:
            shown["left_out"] = planned.error.message
        elif planned.calls is None:
            shown["depends_on"] = "the answers of the steps before"
        else:
            if checks := list(_checks(planned.calls, asked)):
                shown["checks_first"] = checks
            shown["requests"] = _requests(planned.calls)
        steps.append(shown)
    return Answer({**data, "steps": steps}, f"Preview of {plan.action.name}: nothing was sent.")


def _checks(plans: Iterable[Plan], asked: set[str]) -> Iterator[JSON]:
    """What is read first: by rules, as it decides, or for the way back. What was `asked` already is not read again."""
    for plan in plans:
        for lookup in plan.all_lookups():
            yield from _once({"action": lookup.plan.action.name, "arguments": lookup.asked}, asked)
        for look in deciding_looks(plan):
            yield from _once({"action": look.action, "decides": True}, asked)
        for part in (plan, *([plan.chosen] if plan.chosen else [])):
            for look in before_images(part.action.spec):
                yield from _once({"action": look.action, "arguments": fill(look.arguments, part.arguments)}, asked)


def _once(check: JSON, asked: set[str]) -> Iterator[JSON]:
    if str(check) not in asked:
        asked.add(str(check))
        yield check


def _requests(plans: Iterable[Plan]) -> list[JSON]:
    """The request of each plan that is one operation, or picked one."""
    found: list[JSON] = []
    for plan in plans:
        while plan.chosen is not None:
            plan = plan.chosen
        if plan.request is not None:
            found.append(_shown(plan.request))
    return found


def _shown(request: ApiRequest) -> JSON:
    shown: JSON = {"method": request.method, "path": request.target}
    if request.headers:
        shown["headers"] = dict(request.headers)
    if request.body is not None:
        shown["body"] = request.body
    if request.form is not None:
        shown["form"] = {
            key: value if isinstance(value, str) else f"{value[0]}, {len(value[1])} bytes"
            for key, value in request.form.items()
        }
    return shown
