"""Null means not given, and fields are emptied by name: what is sent, what is told, and what is refused."""

from typing import Any

import pytest

from klaviyo_mcp.actions.arguments import Checked, check_arguments
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments, PreconditionFailed
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.registry.registry import Registry

PERSON = "01JCW4R8P3M7V1X5Z9C2F6H0KQ"
ITEM = "$custom:::$default:::SKU-1"


def checked(registry: Registry, action: str, **given: Any) -> Checked:
    return check_arguments(registry[action], given)


def shown(registry: Registry, action: str, **given: Any) -> dict[str, Any]:
    return preview(Engine(registry).plan(Call(action, given))).data


@pytest.mark.parametrize(
    ("action", "given", "meant"),
    [
        ("get_lists", {"page_size": 2, "sort": None, "cursor": None, "list_fields": None}, {"page_size": 2}),
        ("update_profile", {"id": PERSON, "title": "VIP", "location": {"city": None, "zip": "1"}}, None),
        ("create_list", {"name": "A", "opt_in_process": None}, {"name": "A"}),
        ("bulk_import_profiles", {"profiles": [{"email": "a@b.co", "title": None}]}, None),
        (
            "create_event",
            {"metric": {"name": "A", "service": None}, "profile": {"email": "a@b.co"}, "properties": {"x": None}},
            {"metric": {"name": "A"}, "profile": {"email": "a@b.co"}, "properties": {"x": None}},
        ),
    ],
)
def test_null_for_a_declared_property_counts_as_absent(registry: Registry, action: str, given: Any, meant: Any) -> None:
    found = checked(registry, action, **given).arguments
    assert "None" not in str(found).replace("{'x': None}", "")
    assert meant is None or found == meant


def test_null_for_what_is_required_is_missing(registry: Registry) -> None:
    with pytest.raises(InvalidArguments) as refused:
        checked(registry, "create_list", name=None)
    assert [problem.argument for problem in refused.value.problems] == ["name"]
    assert refused.value.problems[0].problem == "is required"


def test_null_in_a_list_is_refused_with_its_place(registry: Registry) -> None:
    with pytest.raises(InvalidArguments) as refused:
        checked(registry, "get_lists", list_fields=["name", None])
    assert refused.value.problems[0].argument == "list_fields[1]"


def test_null_that_has_a_meaning_of_its_own_is_sent(registry: Registry) -> None:
    given = registry["create_flow"].spec.examples[0].arguments
    assert "'next': None" in str(checked(registry, "create_flow", **given).arguments)


def test_what_is_named_in_clear_is_null_in_what_is_sent(registry: Registry) -> None:
    told = shown(registry, "update_profile", id=PERSON, title="VIP", clear=["image", "location.city", "image"])
    body = told["requests"][0]["body"]["data"]["attributes"]
    assert body == {"title": "VIP", "image": None, "location": {"city": None}}
    assert told["cleared"] == ["image", "location.city"]


def test_a_part_is_cleared_beside_parts_that_are_given(registry: Registry) -> None:
    told = shown(registry, "update_profile", id=PERSON, location={"zip": "10115"}, clear="location.city")
    assert told["requests"][0]["body"]["data"]["attributes"] == {"location": {"zip": "10115", "city": None}}


def test_what_is_cleared_whole_needs_no_parts(registry: Registry) -> None:
    told = shown(registry, "update_profile", id=PERSON, clear=["location.city", "location"])
    assert told["requests"][0]["body"]["data"]["attributes"] == {"location": None}
    assert told["cleared"] == ["location"]


def test_each_item_of_a_bulk_update_clears_its_own(registry: Registry) -> None:
    items = [{"id": ITEM, "clear": ["price"]}, {"id": ITEM.replace("-1", "-2"), "price": 5}]
    told = shown(registry, "bulk_update_catalog_items", items=items)
    sent = told["requests"][0]["body"]["data"]["attributes"]["items"]["data"]
    assert [item["attributes"] for item in sent] == [{"price": None}, {"price": 5}]
    assert told["cleared"] == ["items[].price"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"clear": ["tittle"]}, "clear[0]: \"tittle\" is not one of the allowed values. Did you mean 'title'?"),
        ({"clear": ["id"]}, 'clear[0]: "id" is not one of the allowed values'),
        ({"clear": ["title"], "title": "VIP"}, "title: is given a value, and is to be emptied by clear"),
        ({"clear": ["location"], "location": {"zip": "1"}}, "location: is given a value"),
        ({"clear": ["location.zip"], "location": {"zip": "1"}}, "location.zip: is given a value"),
        ({"clear": {"title": None}}, "clear: must be a list"),
    ],
)
def test_a_name_that_cannot_be_cleared_or_has_a_value_is_refused(
    registry: Registry, given: dict[str, Any], line: str
) -> None:
    with pytest.raises(InvalidArguments) as refused:
        checked(registry, "update_profile", id=PERSON, **given)
    assert str(refused.value.problems[0]).startswith(line)


def test_null_where_something_could_be_cleared_is_told_with_the_way_to_clear(registry: Registry) -> None:
    told = shown(registry, "update_profile", id=PERSON, first_name="Ada", title=None, location={"city": None})
    assert told["notes"] == [
        "Null counts as not given, and emptied nothing: title, location.city. "
        'To empty a field, name it in clear: clear: ["title", "location.city"].'
    ]
    assert "cleared" not in told


def test_null_in_an_item_is_told_once_with_the_clear_of_the_item(registry: Registry) -> None:
    items = [{"id": f"{ITEM}{at}", "title": "A", "price": None} for at in range(3)]
    (note,) = shown(registry, "bulk_update_catalog_items", items=items)["notes"]
    assert note.endswith('items[].price. To empty a field, name it in clear of that one of items: clear: ["price"].')


def test_null_where_nothing_can_be_cleared_needs_no_note(registry: Registry) -> None:
    assert "notes" not in shown(registry, "get_lists", sort=None)
    assert "notes" not in shown(registry, "create_profile", email="a@b.co", title=None)
    for clear in (["title"], "title", '["title"]'):
        assert "notes" not in shown(registry, "update_profile", id=PERSON, title=None, clear=clear)


def test_rules_see_what_is_cleared_as_given_and_null_as_not(registry: Registry) -> None:
    assert shown(registry, "update_coupon", id="FREESHIP", clear=["description"])["cleared"] == ["description"]
    with pytest.raises(PreconditionFailed) as refused:
        shown(registry, "update_coupon", id="FREESHIP", description=None, monitor_configuration=None)
    assert 'clear: ["description", "monitor_configuration"]' in refused.value.problems[-1].fix


def test_creating_has_nothing_to_clear(registry: Registry) -> None:
    upserts = {"create_or_update_profile", "create_client_profile"}
    creating = [action for action in registry.actions if action.name.startswith("create_")]
    assert {action.name for action in creating if "clear" in action.spec.properties} == upserts
