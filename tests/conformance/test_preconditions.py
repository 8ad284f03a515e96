"""Each precondition of each spec: a call that keeps it is planned, one that breaks it is refused by what it breaks."""

import copy
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from breaking import WAYS, broken, mend
from tests.catalogue import REGISTRY
from values import everything, one_by_one

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments, PreconditionFailed, Problem
from klaviyo_mcp.actions.live_rules import CHECKS
from klaviyo_mcp.actions.rules import RULES
from klaviyo_mcp.actions.rules.scope import scopes
from klaviyo_mcp.registry.precondition import GUARDS, LIVE, Precondition, keys
from klaviyo_mcp.registry.registry import Action

JSON = dict[str, Any]
ENGINE = Engine(REGISTRY)


def _own(action: Action) -> list[Precondition]:
    """The rules of an action that refuse, and need no look into an account; tests/actions tries the others."""
    return [rule for rule in action.spec.preconditions if rule.kind in RULES and not rule.warns]


RULED = sorted(action.name for action in REGISTRY.actions if _own(action))


def test_every_kind_has_a_check_and_a_way_to_break_it() -> None:
    kinds = set(Precondition.model_fields) - GUARDS
    warning = {"nothing_empty", "distinct", "anew"}
    assert set(CHECKS) == LIVE
    assert set(RULES) | {"anew"} == kinds - LIVE
    assert set(WAYS) == kinds - LIVE - warning
    assert {rule.kind for name in RULED for rule in _own(REGISTRY[name])} == kinds - LIVE - warning


@pytest.mark.parametrize("name", RULED)
def test_a_call_that_keeps_every_rule_is_planned_and_one_that_breaks_one_is_refused_by_it(name: str) -> None:
    """Engine.plan holds no account, so that nothing can be sent by either."""
    action = REGISTRY[name]
    calls = _calls(action)
    kept = _Kept(_kept(action, calls))
    assert next(iter(kept), None) is not None
    for rule in _own(action):
        refusal = next(_refusals(action, rule, kept, calls), None)
        assert refusal is not None, f"nothing broke {rule.model_dump(exclude_defaults=True)}"
        named = {key for place in rule.places for key in keys(place.rsplit(".", 1)[-1])[0]}
        assert any(key in str(problem) for problem in refusal for key in named), refusal
        assert all(problem.problem for problem in refusal)


class _Kept:
    """What an iterator gives, each made when it is first asked for: most rules are broken from the first call."""

    def __init__(self, source: Iterator[JSON]) -> None:
        self._source, self._made = source, list[JSON]()

    def __iter__(self) -> Iterator[JSON]:
        yield from self._made
        for made in self._source:
            self._made.append(made)
            yield made


def _calls(action: Action) -> list[JSON]:
    return [
        *(example.arguments for example in action.spec.examples),
        *one_by_one(action.spec),
        *everything(action.spec),
    ]


def _kept(action: Action, calls: list[JSON]) -> Iterator[JSON]:
    """Calls that keep every rule, mended where the generator did not know better."""
    for call in calls:
        made = copy.deepcopy(call)
        for _ in range(4):
            failing = [rule for rule in _own(action) if list(_problems(action, rule, made))]
            if not failing:
                break
            for rule in failing:
                mend(made, rule)
        try:
            ENGINE.plan(Call(action.name, made))
        except (InvalidArguments, PreconditionFailed):
            continue
        yield made


def _problems(action: Action, rule: Precondition, arguments: JSON) -> Iterator[Problem]:
    try:
        checked = check_arguments(action, arguments).arguments
    except InvalidArguments:
        return
    for scope in scopes(rule, checked, datetime.now(UTC)):
        yield from RULES[rule.kind](rule, scope)


def _refusals(action: Action, rule: Precondition, kept: Iterable[JSON], calls: list[JSON]) -> Iterator[list[Problem]]:
    """What the rule says of calls that break it, where the refusal of the call says so too."""
    for base in kept:
        for call in broken(base, rule, action.spec, calls):
            problems = list(_problems(action, rule, call))
            if not problems:
                continue
            with pytest.raises(PreconditionFailed) as error:
                ENGINE.plan(Call(action.name, call))
            assert set(problems[:1]) <= set(error.value.problems)
            yield problems
