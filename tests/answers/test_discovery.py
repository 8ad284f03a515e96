"""Answers about actions themselves: those that were found, and all that one is."""

import json

import pytest

from klaviyo_mcp.actions.finding import look_for
from klaviyo_mcp.answers.discovery import described, found
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.tool_names import RUN_TOOLS
from klaviyo_mcp.registry.tool_schema import brief_schema, sparse_fieldsets

LARGEST = 40_000


def everything(_: object) -> bool:
    return True


def test_each_action_is_described_whole(registry: Registry) -> None:
    for action in registry.actions:
        answer = described(action, registry)
        assert answer.data["run_with"] == RUN_TOOLS[action.effect]
        assert set(answer.data.get("arguments", {}).get("properties", {})) == _listed(action)
        assert len(json.dumps(answer.data)) < LARGEST, action.name


@pytest.mark.parametrize("query", ["pause a flow", "who is on the list", "make a coupon", "send it"])
def test_the_first_that_are_found_come_with_their_arguments(registry: Registry, query: str) -> None:
    answer = found(registry, query, look_for(registry, query, 8, everything))
    first, *_, last = answer.data["actions"]
    assert first["arguments"] or not registry[first["name"]].spec.properties
    assert "arguments" not in last
    assert all({"name", "summary", "effect", "run_with", "required"} <= one.keys() for one in answer.data["actions"])


def test_nothing_found_says_what_to_do(registry: Registry) -> None:
    answer = found(registry, "xyzzy", look_for(registry, "xyzzy", 8, everything))
    assert answer.data["actions"] == []
    assert "Ask in other words" in answer.summary


@pytest.mark.parametrize(
    "query", ["what's the weather in Hamburg", "translate this sentence", "change our Shopify theme"]
)
def test_what_no_action_does_is_told_with_what_comes_nearest(registry: Registry, query: str) -> None:
    answer = found(registry, query, look_for(registry, query, 8, everything))
    assert answer.data["probably_none"] is True
    assert "Probably no action" in answer.summary
    assert "do not run it" in answer.summary or not answer.data["actions"]


def test_what_the_server_may_not_run_is_told_apart_from_what_klaviyo_cannot(registry: Registry) -> None:
    answer = found(registry, "GDPR", look_for(registry, "GDPR", 8, lambda action: action.spec.toolset == "forms"))
    assert answer.data["probably_none"] is True
    assert "may not run" in answer.summary


def test_a_long_question_is_not_repeated_whole(registry: Registry) -> None:
    answer = found(registry, "xyzzy " * 500, look_for(registry, "xyzzy " * 500, 8, everything))
    assert len(answer.summary) < 700


def test_a_brief_schema_has_what_is_required_and_stays_small(registry: Registry) -> None:
    for action in registry.actions:
        schema, left_out = brief_schema(action.spec, 330)
        assert set(action.spec.required) <= set(schema["properties"])
        assert set(schema["properties"]) | set(left_out) == _listed(action)


def _listed(action: Action) -> set[str]:
    return set(action.spec.properties) - sparse_fieldsets(action.spec)
