"""The rules a spec declares beyond its schema and that need no request: which arguments go together, what is past.

They are checked together, so that all problems come back at once. How each is checked is in `rules`; rules that look
into the account are in `live_rules`, and what was sent lately is in `lately`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from klaviyo_mcp.actions.clearing import how_to_empty
from klaviyo_mcp.actions.errors import PreconditionFailed, Problem
from klaviyo_mcp.actions.rules import RULES
from klaviyo_mcp.actions.rules.scope import scopes
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Action

MOST_PROBLEMS = 20


def check_preconditions(
    action: Action, arguments: JSON, now: datetime | None = None, *, not_given: Sequence[str] = ()
) -> list[str]:
    """Every rule that needs no request. Returns warnings; raises PreconditionFailed, up to MOST_PROBLEMS of each.

    `not_given` are the places where null was taken for absent: without them the rules may fail, so they are told.
    """
    now = now or datetime.now(UTC)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for rule in action.spec.preconditions:
        if rule.kind in RULES:
            found = [problem for scope in scopes(rule, arguments, now) for problem in RULES[rule.kind](rule, scope)]
            (warnings if rule.warns else problems).extend(found)
    if problems:
        shown = list(dict.fromkeys(problems))[:MOST_PROBLEMS]
        if not_given:
            shown.append(Problem(not_given[0], "null counts as not given", how_to_empty(not_given)))
        raise failed(action, shown)
    told = [str(problem) for problem in dict.fromkeys(warnings)]
    more = f"And {len(told) - MOST_PROBLEMS:,} more such warnings."
    return [*told[:MOST_PROBLEMS], *([more] if len(told) > MOST_PROBLEMS else [])]


def failed(action: Action, problems: list[Problem], *, looked: bool = False) -> PreconditionFailed:
    """The error for rules that do not hold; `looked` says whether the account was read for them."""
    message = f"{action.name} was not called: a precondition does not hold."
    return PreconditionFailed(message, tuple(problems), looked=looked)
