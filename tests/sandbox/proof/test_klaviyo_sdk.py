"""Klaviyo's own Python SDK works against the sandbox: it sends over HTTP, and its models parse what comes back."""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from scenarios import brands, campaigns, catalogs, content, data, flows, languages, marketing, people
from scenarios.sdk import Klaviyo, answered, user_of_the_sdk

from klaviyo_sandbox.operations import OPERATIONS

Scenario = Callable[[Klaviyo], None]


def stories(module: ModuleType) -> Iterator[tuple[str, Scenario]]:
    """The scenarios of a module: its own public functions, named as sentences."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            yield name, function


MODULES = (people, marketing, campaigns, flows, content, brands, languages, catalogs, data)
SCENARIOS = dict(story for module in MODULES for story in stories(module))
CALLED: dict[str, set[str]] = {}
"""The operations of each scenario that this process has run."""
NOT_IN_THE_SDK = {
    "bulk_create_client_events",
    "create_client_back_in_stock_subscription",
    "create_client_event",
    "create_client_profile",
    "create_client_push_token",
    "create_client_review",
    "create_client_subscription",
    "get_client_geofences",
    "get_client_review_values_reports",
    "get_client_reviews",
    "unregister_client_push_token",
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_user_of_klaviyos_sdk(name: str) -> None:
    run(name)


def test_the_sdk_calls_every_operation_it_has_with_success() -> None:
    for name in SCENARIOS.keys() - CALLED.keys():
        run(name)
    called = set().union(*CALLED.values())
    assert len(called) >= 400
    assert OPERATIONS.keys() - called == NOT_IN_THE_SDK


def run(name: str) -> None:
    with user_of_the_sdk() as klaviyo:
        SCENARIOS[name](klaviyo)
        CALLED[name] = answered(klaviyo)
        assert not klaviyo.lost, "the models of the SDK do not know what the sandbox sent"
