"""What is suggested for a name or value that is refused: what it means, and nothing rather than something wrong."""

import pytest

from klaviyo_mcp.actions.hints import name_meant, value_meant


@pytest.mark.parametrize(
    ("action", "given", "meant"),
    [
        ("get_flow", "flow_id", "id"),
        ("get_events", "limit", "max_records"),
        ("get_events", "per_page", "page_size"),
        ("get_events", "page[size]", "page_size"),
        ("get_events", "orderBy", "sort"),
        ("get_events", "query", "filter"),
        ("get_events", "start", ""),
        ("query_campaign_values", "start_date", "timeframe"),
        ("get_lists", "page_cursor", "cursor"),
        ("create_profile", "e-mail", "email"),
        ("create_profile", "phone", "phone_number"),
        ("create_profile", "firstName", "first_name"),
        ("create_profile", "town", ""),
        ("create_list", "nam", "name"),
        ("get_flow", "xyz", ""),
    ],
)
def test_an_argument_is_suggested_by_what_it_means(registry, action, given, meant) -> None:
    assert name_meant(given, registry[action].spec.properties) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("created_at desc", "-created_at"),
        ("created_at:DESC", "-created_at"),
        ("-createdAt", "-created_at"),
        ("created_at asc", "created_at"),
        ("-create_at", "-created_at"),
        ("revenue", ""),
        ("-", ""),
    ],
)
def test_a_sort_keeps_its_direction(given, meant) -> None:
    assert value_meant(given, ["created_at", "-created_at", "name", "-name"]) == meant


def test_a_direction_that_there_is_none_of_is_not_turned_round() -> None:
    assert value_meant("created desc", ["created", "-updated"]) == ""


def test_a_field_to_filter_by_is_not_suggested_for_its_letters(problems) -> None:
    (line,) = problems("get_metrics", filter='equals(name,"x")')
    assert line == "filter: cannot filter by 'name'. Fields are: integration.name, integration.category."


def test_nothing_is_suggested_that_only_sounds_alike(registry) -> None:
    for action in registry.actions:
        for given in ("start", "stop", "zzz", "widget", "foo_bar", "flavour"):
            if given not in action.spec.properties:
                assert name_meant(given, action.spec.properties) in ("", "timeframe")
