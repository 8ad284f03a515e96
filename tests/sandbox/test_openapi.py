"""The sandbox's own description, and answers that agree with it."""

import re
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from klaviyo_sandbox.facts import REVISION
from klaviyo_sandbox.openapi import describe, document_schema
from klaviyo_sandbox.operations import OPERATIONS, RESOURCES

# What these collections are asked about.
FILTERS = {
    "get_coupon_codes": None,
}


@pytest.fixture(scope="module")
def description(shop):
    answer = shop.get("/_sandbox/openapi.json", key=None)
    assert answer.status_code == 200
    return answer.json()


def described(description, name):
    operation = OPERATIONS[name]
    return description["paths"][operation.path][operation.method.lower()]


def test_every_operation_is_described_with_its_scopes(description):
    found = {
        operation["operationId"]: operation
        for methods in description["paths"].values()
        for operation in methods.values()
    }
    assert set(found) == set(OPERATIONS)
    scopes = description["components"]["securitySchemes"]["OAuth"]["flows"]["authorizationCode"]["scopes"]
    for name, operation in OPERATIONS.items():
        if not operation.public:
            assert found[name]["security"][1] == {"OAuth": list(operation.scopes)}
        assert set(operation.scopes) <= set(scopes)


def test_parameters_say_what_they_take(description):
    parameters = {item["name"]: item for item in described(description, "get_profiles")["parameters"]}
    assert parameters["page[size]"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert "-created" in parameters["sort"]["schema"]["enum"]
    assert "subscriptions" in parameters["additional-fields[profile]"]["schema"]["items"]["enum"]
    assert "location.city" in parameters["fields[profile]"]["schema"]["items"]["enum"]
    assert parameters["revision"]["required"]
    assert described(description, "get_coupon_codes")["parameters"][1]["required"]


def test_bodies_are_described_as_strictly_as_they_are_checked(description):
    schema = described(description, "create_list")["requestBody"]["content"]["application/vnd.api+json"]["schema"]
    validator = Draft202012Validator(schema)
    good = {"data": {"type": "list", "attributes": {"name": "A"}}}
    assert validator.is_valid(good)
    for wrong in (
        {},
        {"data": {"type": "list"}},
        {"data": {"type": "segment", "attributes": {"name": "A"}}},
        {"data": {"type": "list", "attributes": {"name": ""}}},
        {"data": {"type": "list", "attributes": {"name": "A", "colour": "red"}}},
        {"data": {"type": "list", "attributes": {"name": "A", "opt_in_process": "maybe"}}},
    ):
        assert not validator.is_valid(wrong), wrong


def test_every_schema_is_a_valid_one(description):
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for methods in description["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                Draft202012Validator.check_schema(content["schema"])


def check(shop, description, name, path):
    schema = document_schema(description, name)
    answer = shop.get(path, revision=REVISION)
    assert answer.status_code == 200, (name, answer.text)
    problems = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in Draft202012Validator(schema).iter_errors(answer.json())
    ]
    assert not problems, (name, problems[:3])
    return answer.json()["data"]


READS = [operation for operation in OPERATIONS.values() if operation.method == "GET" and not operation.public]


@pytest.mark.parametrize("name", [operation.name for operation in READS if "{" not in operation.path])
def test_collections_answer_as_described(shop, description, name):
    if OPERATIONS[name].entitlement:
        pytest.skip("needs an entitlement that the demo shop has not")
    filters = FILTERS.get(name, "")
    if filters is None:
        pytest.skip("needs a filter on what the demo shop has none of")
    check(shop, description, name, f"{OPERATIONS[name].path}{filters}")


def test_what_a_resource_leads_to_answers_as_described(shop, description):
    """Follows every operation on an id from the first resource of its collection."""
    collections = {
        RESOURCES[operation.resource].type: operation
        for operation in READS
        if "{" not in operation.path and FILTERS.get(operation.name, "") is not None and not operation.entitlement
    }
    followed = 0
    for operation in READS:
        first = collections.get(operation.parent or RESOURCES[operation.resource].type)
        if "{" not in operation.path or first is None or operation.entitlement:
            continue
        home = f"{first.path}{FILTERS.get(first.name, '')}"
        for item in shop.data(home, revision=REVISION)[:2]:
            path = re.sub(r"\{\w+\}", quote(item["id"], safe=""), operation.path)
            if shop.get(path, revision=REVISION).status_code == 200:
                check(shop, description, operation.name, path)
                followed += 1
    assert followed > 20


def test_errors_are_as_described(shop, description):
    schema = {**description["components"]["schemas"]["Errors"], "components": description["components"]}
    for path in ("/api/lists/NOPE01", "/api/lists?sort=colour", "/api/lists?filter=nonsense"):
        Draft202012Validator(schema).validate(shop.get(path).json())


def test_it_is_the_same_each_time():
    assert describe(OPERATIONS, RESOURCES) == describe(OPERATIONS, RESOURCES)


def test_what_a_flow_may_be_entered_again_after_is_a_number_as_it_is_when_it_is_made(description):
    shown = description["components"]["schemas"]["Flow"]["properties"]["attributes"]
    for name in ("definition", "reentry_criteria"):
        shown = shown["anyOf"][0]["properties"][name]
    assert shown["anyOf"][0]["properties"]["duration"]["anyOf"][0] == {"type": "number"}
