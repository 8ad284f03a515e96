"""What an agent is told about its arguments: everything at once, each with the way to mend it."""

import json

import pytest

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.errors import InvalidArguments, UnknownAction
from klaviyo_mcp.actions.names import find_action


def test_all_problems_come_back_together(problems) -> None:
    found = problems("create_list", nam="VIP", opt_in_process="duble_opt_in")
    assert len(found) == 3
    assert any(line.startswith("nam: there is no such argument. Did you mean name?") for line in found)
    assert any("Did you mean 'double_opt_in'?" in line for line in found)
    assert any(line.startswith("name: is required") for line in found)


@pytest.mark.parametrize("address", ["not-an-address", "a@", "@example.org", "a b@example.org", "a@example..org", ""])
def test_a_malformed_address_is_named_with_the_right_form(problems, address) -> None:
    (line,) = problems("create_profile", email=address)
    assert line.startswith("email: ")
    assert "is not an e-mail address. Use the form name@example.org" in line


@pytest.mark.parametrize("number", ["0155501234", "+0155501234", "+1 415", "call me", "+1"])
def test_a_malformed_phone_number_is_named_with_the_right_form(problems, number) -> None:
    (line,) = problems("create_profile", phone_number=number)
    assert "E.164" in line
    assert "+14155550123" in line


def test_each_wrong_item_of_a_list_is_named_by_its_place(problems) -> None:
    found = problems("add_profile_to_list", list_id="VbT4kM", emails=["a@example.org", "nope", "b@example.org", "no"])
    assert [line.partition(":")[0] for line in found] == ["emails[1]", "emails[3]"]


def test_wrong_types_say_what_is_wanted(problems) -> None:
    assert problems("get_lists", page_size="many") == ['page_size: must be a whole number, not "many".']
    assert problems("remove_profile_from_list", list_id="VbT4kM", emails="a@example.org") == [
        'emails: must be a list, not "a@example.org". Send a list, like ["a@example.org"].'
    ]


def test_bounds_are_said_in_numbers(problems) -> None:
    assert problems("get_lists", page_size=11) == ["page_size: must be at most 10, not 11."]
    many = [f"p{index}@example.org" for index in range(1001)]
    assert problems("add_profile_to_list", list_id="VbT4kM", emails=many) == [
        "emails: must have at most 1000 items, not 1001."
    ]


def test_a_wrong_sparse_field_is_answered_with_the_nearest(problems) -> None:
    (line,) = problems("get_profiles", profile_fields=["emial"])
    assert line == "profile_fields[0]: \"emial\" is not one of the allowed values. Did you mean 'email'?"


def test_an_unknown_field_inside_an_object_is_named(problems) -> None:
    (line,) = problems("create_profile", email="a@example.org", location={"town": "Oslo"})
    assert line.startswith("location.town: there is no such field")


def test_a_choice_of_forms_is_explained_by_the_form_that_was_meant(problems) -> None:
    campaign = {"name": "X", "audiences": {"included": ["VbT4kM"]}, "messages": [{"channel": "email"}]}
    (line,) = problems("create_campaign", **campaign, send_strategy={"method": "static", "datetime": "soon"})
    assert line.startswith('send_strategy.datetime: "soon" is not a time')
    (line,) = problems("create_campaign", **campaign, send_strategy={"method": "later"})
    assert line.startswith("send_strategy.method: must say which form this is. One of: static, throttled, immediate")
    (line,) = problems("create_campaign", **campaign, send_strategy="now")
    assert "must be an object" in line


def test_an_event_without_any_identifier_is_told_which_there_are(problems) -> None:
    (line,) = problems("create_event", metric={"name": "X"}, profile={"first_name": "Ada"}, properties={})
    assert line.startswith("profile: needs at least one of: id, email, phone_number")


def test_values_that_arrive_as_json_in_a_string_are_taken_for_what_they_are(registry) -> None:
    given = {
        "list_id": "VbT4kM",
        "emails": '["a@example.org", "b@example.org"]',
        "create_missing": "true",
    }
    found = check_arguments(registry["add_profile_to_list"], given).arguments
    assert found["emails"] == ["a@example.org", "b@example.org"]
    assert found["create_missing"] is True
    for blanks in ("\n", " \t"):
        spaced = {**given, "emails": f"{blanks}{given['emails']}"}
        assert check_arguments(registry["add_profile_to_list"], spaced).arguments == found
    assert check_arguments(registry["get_lists"], {"page_size": "5"}).arguments["page_size"] == 5
    assert check_arguments(registry["get_lists"], {"page_size": "5.0"}).arguments["page_size"] == 5
    profile = check_arguments(
        registry["create_profile"], {"email": "a@example.org", "properties": '{"a": 1}'}
    ).arguments
    assert profile["properties"] == {"a": 1}


def test_text_stays_text_even_when_it_looks_like_json(registry) -> None:
    found = check_arguments(registry["create_list"], {"name": "[1, 2]"}).arguments
    assert found["name"] == "[1, 2]"
    found = check_arguments(registry["create_profile"], {"external_id": "5"}).arguments
    assert found["external_id"] == "5"


def test_arguments_may_arrive_as_one_json_text_or_not_at_all(registry) -> None:
    assert check_arguments(registry["create_list"], '{"name": "VIP"}').arguments == {"name": "VIP"}
    assert check_arguments(registry["get_lists"], None).arguments == {}
    with pytest.raises(InvalidArguments, match="not an object"):
        check_arguments(registry["get_lists"], [1])


@pytest.mark.parametrize("text", ["", " ", ".", ".."])
def test_an_id_that_would_change_the_path_is_refused(registry, text) -> None:
    with pytest.raises(InvalidArguments) as error:
        check_arguments(registry["get_list"], {"id": text})
    assert error.value.problems[0].argument == "id"


def test_a_cursor_may_be_the_whole_next_link(registry) -> None:
    link = "https://a.klaviyo.com/api/lists?page%5Bcursor%5D=bmV4dA%3D%3D"
    assert check_arguments(registry["get_lists"], {"cursor": link}).arguments["cursor"] == "bmV4dA=="


def test_a_filter_may_be_text_or_a_list_and_both_are_checked(registry, problems) -> None:
    action = registry["get_profiles"]
    wanted = 'equals(email,"a@example.org"),greater-than(created,2026-01-01T00:00:00Z)'
    listed = [
        {"field": "email", "operator": "equals", "value": "a@example.org"},
        {"field": "created", "operator": "greater-than", "value": "2026-01-01T00:00:00Z"},
    ]
    assert check_arguments(action, {"filter": listed}).arguments["filter"] == wanted
    assert check_arguments(action, {"filter": json.dumps(listed)}).arguments["filter"] == wanted
    assert check_arguments(action, {"filter": wanted}).arguments["filter"] == wanted
    quoted = "equals(email,'a@example.org'),greater-than(created,\"2026-01-01T00:00:00Z\")"
    assert check_arguments(action, {"filter": quoted}).arguments["filter"] == wanted
    assert "Did you mean 'email'?" in problems("get_profiles", filter="equals(emial,'x')")[0]
    (line,) = problems(
        "get_profiles", filter=[{"field": "created", "operator": "greater_than_or_equal", "value": "2026"}]
    )
    assert "Did you mean 'greater-than'?" in line
    assert "created takes: greater-than, less-than" in line
    assert "Put text in quotes" in problems("get_profiles", filter="equals(email,a@example.org)")[0]
    assert "not closed" in problems("get_profiles", filter='equals(email,"a)')[0]
    assert "RFC 3339" in problems("get_profiles", filter="greater-than(created,soon)")[0]
    assert "needs a value" in problems("get_profiles", filter=[{"field": "email", "operator": "equals"}])[0]


def test_one_value_is_enough_for_any(registry) -> None:
    found = check_arguments(
        registry["get_profiles"], {"filter": [{"field": "email", "operator": "any", "value": "a@b.co"}]}
    ).arguments
    assert found["filter"] == 'any(email,["a@b.co"])'


def test_an_unknown_action_is_answered_with_the_nearest_names(registry) -> None:
    with pytest.raises(UnknownAction) as error:
        find_action(registry, "get_profile_list")
    assert "get_profiles" in error.value.near
    with pytest.raises(UnknownAction) as error:
        find_action(registry, "klaviyo-create-list")
    assert error.value.near[0] == "create_list"


def test_aliases_lead_to_the_action(registry) -> None:
    assert registry["create_campaign_recipient_estimation_job"].name == "refresh_campaign_recipient_estimation"
    assert registry["get_list_profiles"].name == "get_profiles_for_list"


def test_a_form_behind_a_reference_is_recognised_and_its_own_problem_named(problems) -> None:
    def segment(condition):
        return problems("create_segment", name="S", definition={"condition_groups": [{"conditions": [condition]}]})

    (line,) = segment({"type": "profile-marketing-consent"})
    assert ".consent: is required" in line
    (line,) = segment({"type": "profile-metrik"})
    assert "Did you mean 'profile-metric'?" in line


@pytest.mark.parametrize(
    "when", ["2026-W45-1T00:00:00", "20261101T090000Z", "2026-11-01 09:00:00", "2026-11-01T09:00:00Z\n"]
)
def test_only_rfc_3339_is_a_time(problems, when) -> None:
    (line,) = problems("create_event", metric={"name": "X"}, profile={"email": "a@b.co"}, properties={}, time=when)
    assert line.startswith("time: ")


def test_a_line_break_at_the_end_is_not_overlooked(problems) -> None:
    assert problems("create_profile", phone_number="+14155550123\n")
    assert problems("create_coupon", external_id="ABC\n")


def test_a_day_in_a_filter_on_a_time_becomes_its_midnight(registry) -> None:
    found = check_arguments(registry["get_profiles"], {"filter": "greater-than(created,2026-01-01)"}).arguments
    assert found["filter"] == "greater-than(created,2026-01-01T00:00:00Z)"


def test_a_whole_float_is_a_whole_number(registry) -> None:
    assert check_arguments(registry["get_lists"], {"page_size": 5.0}).arguments == {"page_size": 5}


def test_a_filter_cannot_contradict_an_argument_of_its_own(problems) -> None:
    (line,) = problems("get_campaigns", channel="email", filter='equals(messages.channel,"sms")')
    assert line == "filter: messages.channel has an argument of its own. Use channel instead."


def test_what_cannot_be_written_as_json_is_refused(registry) -> None:
    for properties in ({"a": "lone \ud800"}, {"a": {1, 2}}):
        with pytest.raises(InvalidArguments, match="cannot be written as JSON"):
            check_arguments(registry["create_profile"], {"email": "a@example.org", "properties": properties})


def test_a_filter_nested_without_end_is_a_problem_not_a_fault(problems) -> None:
    (line,) = problems("get_profiles", filter="and(" * 5000)
    assert "nested too deep" in line


def test_words_with_commas_are_shown_as_the_list_they_mean(problems) -> None:
    (line,) = problems("remove_profiles_from_list", id="VbT4kM", profile_ids="01A,01B")
    assert 'Send a list, like ["01A", "01B"]' in line


def test_a_text_for_a_list_of_objects_is_answered_with_such_a_list(problems) -> None:
    (line,) = problems("bulk_subscribe_profiles", profiles="a@example.org", list_id="VbT4kM")
    assert "Send a list, like [{" in line
