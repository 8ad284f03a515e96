"""What was sent lately: Klaviyo takes some things once in a while, and answers the repetition as if it were new."""

from collections.abc import Iterator
from datetime import UTC, datetime

from klaviyo_mcp.accounts.glimpses import Glimpses
from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.rules.scope import Found, scopes
from klaviyo_mcp.registry.precondition import Anew

MOST_TOLD = 5


def sent_lately(plan: Plan, glimpses: Glimpses) -> list[str]:
    """What of a call this process has sent for the account so lately that Klaviyo may pass over it."""
    repeated = [
        (stated, found)
        for stated, found in _values(plan)
        if glimpses.sent_within(stated.minutes * 60, _parts(plan, found))
    ]
    told = [str(Problem(found.name, f"{found.value!r} {stated.says}")) for stated, found in repeated[:MOST_TOLD]]
    more = len(repeated) - MOST_TOLD
    return [*told, f"So it is with {more:,} more that were sent."] if more > 0 else told


def remember(plan: Plan, glimpses: Glimpses) -> None:
    """Keep in mind that a call was made."""
    for _, found in _values(plan):
        glimpses.send(_parts(plan, found))


def _values(plan: Plan) -> Iterator[tuple[Anew, Found]]:
    for rule in plan.action.spec.preconditions:
        if stated := rule.anew:
            for scope in scopes(rule, plan.arguments, datetime.now(UTC)):
                for place in stated.of:
                    for found in scope.at(place):
                        yield stated, found


def _parts(plan: Plan, found: Found) -> list[str]:
    return [plan.action.name, str(found.value).casefold()]
