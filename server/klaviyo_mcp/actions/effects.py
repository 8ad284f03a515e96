"""How strong a call is: what its action does in general, or more where its arguments say so."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from klaviyo_mcp.actions.rules.scope import Scope, has_value
from klaviyo_mcp.loose_json import JSON, is_list
from klaviyo_mcp.registry.consequences import EffectWhen
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.registry import STRENGTH, Action


def stronger_by_arguments(action: Action, arguments: JSON, cleared: Sequence[str]) -> list[EffectWhen]:
    """What makes a call with checked arguments stronger than its action is; `cleared` are the fields it empties."""
    if not action.spec.effect_when:
        return []
    scope = Scope(arguments, datetime.now(UTC))
    return [one for one in action.spec.effect_when if _applies(one, scope, cleared)]


def strongest(effects: Iterable[Effect]) -> Effect:
    """The strongest of some effects."""
    return max(effects, key=lambda effect: STRENGTH[effect])


def _applies(one: EffectWhen, scope: Scope, cleared: Sequence[str]) -> bool:
    if one.clears and not cleared:
        return False
    if one.more_than and sum(_length(scope, place) for place in one.more_than.of) <= one.more_than.items:
        return False
    return all(has_value(scope, place, wanted) for place, wanted in one.when.items())


def _length(scope: Scope, place: str) -> int:
    return sum(len(found.value) if is_list(found.value) else 1 for found in scope.at(place))
