"""The sandbox serves what Klaviyo states, and departs from it only where it says so."""

import json
from pathlib import Path

import pytest

from klaviyo_sandbox import facts
from klaviyo_sandbox.bodies import takes_body
from klaviyo_sandbox.facts import DEPARTURES, FACTS, REVISIONS
from klaviyo_sandbox.operations import EARLIER, OPERATIONS, RESOURCES, served_at

FILES = {
    revision: json.loads(Path(facts.__file__).with_name(f"{revision}.json").read_bytes()) for revision in REVISIONS
}
STATED = {revision: file["operations"] for revision, file in FILES.items()}
DECLARED = [*OPERATIONS.values(), *EARLIER.values()]
NO_LONGER = {"2026-07-15": {f"{verb}_universal_content" for verb in ("create", "get", "get_all", "update")}}
"""What an older revision states and is refused there: blocks of universal content had another form."""
IDS = [f"{operation.name} {operation.revision}" for operation in DECLARED]


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_operation_that_klaviyo_states_is_served_and_no_other(revision):
    assert FILES[revision]["revision"] == revision
    assert served_at(revision).keys() == STATED[revision].keys() - NO_LONGER.get(revision, set())


@pytest.mark.parametrize("operation", DECLARED, ids=IDS)
def test_whatever_can_be_filtered_or_sorted_by_is_found_in_the_store(operation):
    resource = RESOURCES[operation.resource]
    # What is shown in several forms is stored in one.
    columns = {"id", *resource.columns, *RESOURCES[resource.type].columns}
    for field in (*operation.filters, *operation.sorts):
        assert field in operation.lookups or field in columns
    assert operation.lookups.keys() <= {*operation.filters, *operation.sorts}


@pytest.mark.parametrize("operation", DECLARED, ids=IDS)
def test_what_is_declared_fits_what_is_stated(operation):
    stated = STATED[operation.revision][operation.name]
    assert bool(operation.required_filters) == stated.get("filter_required", False)
    assert set(operation.required_filters) <= operation.filters.keys()
    assert takes_body(operation) == ("media" in stated)
    assert bool(operation.upload) == (stated.get("media") == "multipart/form-data")
    resource = RESOURCES[operation.resource]
    assert set(operation.include) <= {relation.name for relation in resource.relations}
    assert set(operation.additional) <= {*resource.on_request}
    assert stated.get("additional", {}).keys() <= {resource.type}


@pytest.mark.parametrize("name", DEPARTURES)
def test_a_departure_has_a_reason_and_differs_from_what_is_stated(name):
    replaced, why = DEPARTURES[name]
    assert why
    departed = [
        stated[name][fact] != value
        for stated in STATED.values()
        for fact, value in replaced.items()
        if fact in stated.get(name, {})
    ]
    assert departed
    assert all(departed)
    assert replaced.keys() <= FACTS[OPERATIONS[name].revision][name].keys()


def test_a_sparse_fieldset_takes_the_stated_names_and_no_other(shop):
    flow = shop.data("/api/flows")[0]["id"]
    path = f"/api/flows/{flow}/flow-actions?fields[flow-action]="
    assert shop.get(f"{path}definition.data.message").status_code == 200
    refused = shop.get(f"{path}definition.data.nonsense")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["source"] == {"parameter": "fields[flow-action]"}


def test_only_the_operations_that_say_so_draw_on_a_further_allowance():
    drawing = {name: set(operation.extra_limits) for name, operation in OPERATIONS.items() if operation.extra_limits}
    assert drawing == {
        "get_list": {"additional-fields[list]=profile_count"},
        "get_segment": {"additional-fields[segment]=profile_count"},
        "get_profile": {"include=lists", "include=segments"},
        "get_profiles": {"additional-fields[profile]=predictive_analytics"},
        "get_profiles_for_list": {"additional-fields[profile]=predictive_analytics"},
    }
