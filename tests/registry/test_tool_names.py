"""Which names are understood when they are called, and what a prefix may be."""

import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import LONGEST_NAME, PrefixError

UUID = "3f2b8c1e-9d04-4c7a-8e15-6b7a90c1d2e3"


@pytest.mark.parametrize(
    "called",
    [
        "get_lists",
        "mcp__klaviyo__get_lists",
        "mcp__klaviyo-mcp__get_lists",
        "mcp__my_shop__get_lists",
        "mcp__client_profiles__get_lists",
        f"mcp__{UUID}__get_lists",
        f"{UUID}__get_lists",
        f"{UUID}_get_lists",
        "mcp__claude_ai_Klaviyo__get_lists",
        "mcp__plugin_klaviyo_klaviyo__get_lists",
        "mcp_klaviyo-mcp_get_lists",
        "mcp_klaviyo_get_lists",
        "mcp_get_lists",
        "klaviyo__get_lists",
        "klaviyo-mcp__get_lists",
        "klaviyo_get_lists",
        "klaviyo-mcp_get_lists",
        "Klaviyo-get_lists",
        "klaviyo.get_lists",
        "klaviyo-mcp:get_lists",
        "klaviyo/get_lists",
        "Klaviyo EU.get_lists",
        "functions.get_lists",
        "default_api.get_lists",
        "default_api:get_lists",
        "functions.mcp__klaviyo__get_lists",
    ],
)
def test_the_names_that_clients_make_are_understood(registry: Registry, called: str) -> None:
    assert registry.get(called) is registry["get_lists"]


def test_the_longest_name_is_meant(registry: Registry) -> None:
    assert registry.get("klaviyo_create_or_update_profile") is registry["create_or_update_profile"]
    assert registry.get("mcp__klaviyo__bulk_subscribe_profiles") is registry["bulk_subscribe_profiles"]
    assert registry.get("mcp_klaviyo_subscribe_profiles") is registry["bulk_subscribe_profiles"], "an alias"


@pytest.mark.parametrize(
    "called",
    [
        "",
        "__get_lists",
        "mcp__klaviyo__",
        "mcp__x__delete_get_lists",
        "mcp__x__get__delete_list",
        "klaviyo_delete_get_lists",
        "klaviyo_do_not_send_campaign",
        "klaviyo.get.delete_list",
        "delete__get_lists",
        "dont__send_campaign",
        "undo_send_campaign",
        "un-send_campaign",
        "test_send_campaign",
        "profiles.delete_list",
        "not.mcp.delete_list",
        "mcp_shop_delete_list",
        "delete-get_lists",
        "mcp__klaviyo__get_lists\n",
        "mcp__klaviyo\n__get_lists",
        "klaviyo get_lists",
        "functions.delete.get_lists",
        f"{UUID[:-1]}__get_lists",
        f"mcp__{'x' * 500}__get_lists",
    ],
)
def test_what_may_mean_something_else_is_not_understood(registry: Registry, called: str) -> None:
    assert registry.get(called) is None


def test_no_action_is_taken_for_another_by_the_name_of_one_in_its_own(registry: Registry) -> None:
    for name, action in registry.by_name.items():
        assert registry.get(name) is action
        for before in ("mcp__klaviyo__", "klaviyo.", "mcp_klaviyo_", "klaviyo-mcp-"):
            assert registry.get(before + name) is action, before + name


@pytest.mark.parametrize("prefix", ["shop_", "eu-", "Acme__", "k"])
def test_with_a_prefix_every_action_has_both_names(prefix: str) -> None:
    registry = Registry(CATALOGUE, prefix)
    for action in registry.actions:
        listed = registry.names.listed(action.name)
        assert len(listed) <= LONGEST_NAME
        for called in (action.name, listed, f"mcp__klaviyo__{listed}", f"klaviyo_{listed}", f"functions.{listed}"):
            assert registry.get(called) is action, called


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("shop.", "letters, digits, _ and -"),
        ("mein laden ", "letters, digits, _ and -"),
        ("ü_", "letters, digits, _ and -"),
        ("a" * 40, "so a prefix may have 20"),
        ("create_or_", "which is another action"),
    ],
)
def test_a_prefix_that_cannot_be_is_refused_with_the_reason(prefix: str, says: str) -> None:
    with pytest.raises(PrefixError, match=says):
        Registry(CATALOGUE, prefix)


def test_texts_name_tools_as_they_are_listed() -> None:
    names = Registry(CATALOGUE, "shop_").names
    assert names.told("See get_lists, not get_listings.") == "See shop_get_lists, not get_listings."
    assert (
        names.told('Klaviyo said "try get_lists"; use get_list.') == 'Klaviyo said "try get_lists"; use shop_get_list.'
    )
    assert names.told("klaviyo://actions/get_lists/schema") == "klaviyo://actions/shop_get_lists/schema"
    schema = {
        "description": "See get_lists.",
        "properties": {"description": {"description": "get_list", "enum": ["get_list"]}},
    }
    assert names.told_schema(schema) == {
        "description": "See shop_get_lists.",
        "properties": {"description": {"description": "shop_get_list", "enum": ["get_list"]}},
    }
