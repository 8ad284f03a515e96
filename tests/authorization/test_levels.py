"""Three levels, which follow from the specs."""

import re

import pytest
from tests.authorization.driving import REGISTRY

from klaviyo_mcp.authorization.levels import LEVELS, Levels, asked, rank, up_to
from klaviyo_sandbox.facts import FACTS, REVISIONS

levels = Levels(REGISTRY)


def test_each_level_holds_the_one_before_it() -> None:
    read, marketing, full = (set(levels.scopes(level)) for level in LEVELS)
    assert read < marketing < full
    assert "accounts:read" in read
    assert not any(scope.endswith(":write") for scope in read)
    assert full == {scope for action in REGISTRY.actions for scope in action.spec.scopes}


@pytest.mark.parametrize("action", REGISTRY.actions, ids=lambda action: action.name)
def test_an_action_needs_the_lowest_level_that_covers_all_its_parts(action) -> None:
    needed = levels.needed(action.name)
    assert needed is not None
    scopes = {scope for part in REGISTRY.closure(action) for scope in part.spec.scopes}
    assert scopes <= set(levels.scopes(needed))
    assert (needed == "klaviyo:read") == (action.strongest_effect == "read")
    if needed == "klaviyo:full":
        assert not scopes <= set(levels.scopes("klaviyo:marketing"))


def test_aliases_and_unknown_names() -> None:
    alias = next(alias for action in REGISTRY.actions for alias in action.spec.aliases)
    assert levels.needed(alias) == levels.needed(REGISTRY.by_name[alias].name)
    assert levels.needed("no_such_action") is None


def test_counts_grow_with_the_level() -> None:
    counts = [levels.actions(level) for level in LEVELS]
    assert counts == sorted(counts)
    assert counts[-1] == len(REGISTRY.actions)


def test_what_klaviyo_granted_decides() -> None:
    for level in LEVELS:
        assert levels.granted(levels.scopes(level)) == level
        assert levels.granted([*levels.scopes(level), "something:else"]) == level
    assert levels.granted([]) == "klaviyo:read"


@pytest.mark.parametrize("level", LEVELS)
def test_scopes_that_came_with_a_later_revision_take_no_level_away(level) -> None:
    """A grant has those that were asked for when it was made."""
    before = {scope for facts in FACTS[REVISIONS[-1]].values() for scope in facts["scopes"]}
    assert levels.granted(before & set(levels.scopes(level))) == level
    assert levels.granted(set(levels.scopes(level)) - {"lists:read"}) == level


def test_what_is_left_out_is_not_asked_for_and_changes_no_level() -> None:
    without = Levels(REGISTRY, {"webhooks:read", "webhooks:write"})
    for level in LEVELS:
        assert without.scopes(level) == tuple(s for s in levels.scopes(level) if not s.startswith("webhooks:"))
        assert without.granted(without.scopes(level)) == level
        assert without.actions(level) < levels.actions(level)
    assert without.needed("create_webhook") == levels.needed("create_webhook")


@pytest.mark.parametrize(
    ("scope", "told"),
    [("webhook:read", "there is no scope 'webhook:read'; did you mean 'webhooks:read'"), ("accounts:read", "whose")],
)
def test_what_cannot_be_left_out_is_named(scope, told) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Levels(REGISTRY, {scope})


@pytest.mark.parametrize(
    ("scope", "level"),
    [
        ("", None),
        ("claudeai offline_access", None),
        ("klaviyo:full klaviyo:read", "klaviyo:full"),
        ("KLAVIYO:full", None),
    ],
)
def test_what_a_client_asks_for(scope, level) -> None:
    assert asked(scope) == level


def test_a_token_says_all_that_it_may() -> None:
    assert [len(up_to(level)) for level in LEVELS] == [1, 2, 3]
    assert [rank(level) for level in LEVELS] == [0, 1, 2]
