"""How far a call reaches is told in names and numbers, and held against what was expected; what it did leads back."""

from typing import Any
from uuid import uuid4

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.catalogue import REGISTRY
from tests.end_to_end.conftest import SERVE, by_default, of_its_own

from klaviyo_mcp.loose_json import mapping

NOTHING_CHANGED = ("Nothing was sent to Klaviyo.", "Nothing was changed in Klaviyo.")
UNSUBSCRIBED = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
SUBSCRIBED = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}


# Whole lists and campaigns go.
sandbox = of_its_own()


@pytest.fixture(scope="session")
def environment(sandbox: str) -> dict[str, str]:
    return by_default(sandbox)


@pytest.fixture(scope="module", params=["destructive", "never"])
async def client(request: Any, environment: dict[str, str]) -> Any:
    """A server that holds back what is strong, and one that confirms nothing."""
    words = [*SERVE[1:], "--confirm", request.param]
    async with Client(StdioServerParameters(command=SERVE[0], args=words, env=environment)) as connected:
        yield connected


@pytest.fixture
async def shown(client: Client) -> Any:
    """`await shown("delete_list", id=…)`: what a preview says, all of `does` as one text."""

    async def look(action: str, /, **arguments: Any) -> tuple[str, dict[str, Any]]:
        result = await client.call_tool("preview_action", {"action": action, "arguments": arguments})
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return " ".join(result.structured_content["does"]), result.structured_content

    return look


@pytest.fixture
async def newsletter(call: Any) -> str:
    lists = (await call("get_lists"))["records"]
    return next(one["id"] for one in lists if one["name"] == "Newsletter")


@pytest.fixture
async def draft(call: Any) -> dict[str, Any]:
    campaigns = (await call("get_campaigns", channel="email"))["records"]
    return next(one for one in campaigns if one["name"] == "Candle restock")  # it has a template


def writes(requests_seen: Any) -> list[str]:
    return [request["operation"] for request in requests_seen() if request["method"] != "GET"]


# Whom and what it reaches


async def test_deleting_a_list_names_all_that_uses_it(shown, newsletter, requests_seen) -> None:
    requests_seen()
    text, data = await shown("delete_list", id=newsletter)
    assert 'Deletes the list "Newsletter" with' in text
    for used_by in ("Welcome series", "Holiday preview", "Newsletter, never bought", "Newsletter pop-up"):
        assert f'"{used_by}"' in text
    assert data["reaches"] > 100
    assert "cannot be brought back" in data["undo"]
    assert writes(requests_seen) == []


async def test_sending_counts_people_without_an_estimate_too(shown, draft) -> None:
    text, data = await shown("send_campaign", id=draft["id"])
    assert "There is no estimate. At most " in text
    assert "have never subscribed to email" in text
    assert data["reaches"] > 0


async def test_a_time_of_sending_is_told_as_the_clocks_of_the_account_show_it(shown, call, newsletter) -> None:
    """The shop is in Los Angeles, eight hours behind in winter."""
    made = await call(
        "create_campaign",
        name="At noon",
        audiences={"included": [newsletter]},
        send_strategy={"method": "static", "datetime": "2027-01-15T20:00:00+00:00"},
        messages=[{"channel": "email", "label": "M", "subject": "Noon"}],
    )
    (message,) = (await call("get_messages_for_campaign", id=made["record"]["id"]))["records"]
    template = (await call("get_templates"))["records"][0]["id"]
    await call("assign_template_to_campaign_message", id=message["id"], template_id=template)
    text, _ = await shown("send_campaign", id=made["record"]["id"])
    assert "2027-01-15 12:00 in America/Los_Angeles" in text


@pytest.mark.parametrize("action", ["bulk_suppress_profiles", "bulk_unsuppress_profiles"])
async def test_a_whole_list_is_told_with_its_size(shown, newsletter, action) -> None:
    text, data = await shown(action, list_id=newsletter)
    assert f"{data['reaches']:,} people" in text
    assert data["effect"] == "destructive"


async def test_a_tag_group_goes_with_its_tags(shown, call) -> None:
    groups = (await call("get_tag_groups"))["records"]
    season = next(one["id"] for one in groups if one["name"] == "Season")
    text, data = await shown("delete_tag_group", id=season)
    assert '"Summer"' in text
    assert '"Winter"' in text
    assert data["reaches"] == 2


async def test_a_merge_says_who_stays_and_who_goes(shown, call, newsletter) -> None:
    one, other = (await call("get_profiles_for_list", id=newsletter, page_size=2))["records"]
    text, data = await shown("merge_profiles", destination_profile_id=one["id"], source_profile_ids=[other["id"]])
    assert f'Stays: "{one["id"]}", email "{one["email"]}".' in text
    assert f'deleted: "{other["id"]}", email "{other["email"]}".' in text
    assert "cannot be taken back" in data["undo"]


async def test_a_merge_names_every_value_that_is_lost(shown, call) -> None:
    one, other = [
        (await call("create_or_update_profile", **who))["record"]["id"]
        for who in (
            {"email": "keep@example.org", "first_name": "Ada", "properties": {"Tier": "gold", "Visits": 3}},
            {
                "email": "gone@example.org",
                "first_name": "Ada",
                "last_name": "Byron",
                "properties": {"Tier": "silver", "Visits": 5, "Shoe size": 39},
            },
        )
    ]
    text, _ = await shown("merge_profiles", destination_profile_id=one, source_profile_ids=[other])
    lost = 'has another value: email "gone@example.org", properties.Tier ⟦silver⟧, properties.Visits 5.'
    assert f'Lost, as "{one}" {lost}' in text


WRITES = [
    (action.name, one.arguments)
    for action in REGISTRY.actions
    for one in action.spec.examples
    if action.effect != "read"
]


async def test_whatever_is_looked_up_can_be_asked(client) -> None:
    """Ids of examples are often not in the account, which is an answer; a look that is asked wrongly is not."""
    wrong: list[str] = []
    for action, arguments in WRITES:
        result = await client.call_tool("preview_action", {"action": action, "arguments": arguments})
        unknown = mapping(result.structured_content).get("not_known", [])
        wrong += [f"{action}: {text}" for text in unknown if "(invalid_arguments)" in text or "(unknown_" in text]
    assert wrong == []


# What is refused, whoever confirms it


async def test_more_people_than_expected_are_refused(fail, shown, newsletter, requests_seen) -> None:
    requests_seen()
    error = await fail("bulk_suppress_profiles", list_id=newsletter, expect=10)
    assert error["code"] == "precondition_failed"
    assert error["problems"][0]["argument"] == "expect"
    assert "expected at most 10, found " in error["problems"][0]["problem"]
    assert error["outcome"] in NOTHING_CHANGED
    assert writes(requests_seen) == []
    _, data = await shown("bulk_suppress_profiles", list_id=newsletter, expect=1_000)
    assert data["reaches"] <= 1_000


async def test_expecting_the_right_number_lets_it_through(call, environment, requests_seen) -> None:
    words = [*SERVE[1:], "--confirm", "never"]
    server = StdioServerParameters(command=SERVE[0], args=words, env=environment)
    made = await call("create_list", name="Expected")
    requests_seen()
    async with Client(server) as free:
        done = await free.call_tool("delete_list", {"id": made["record"]["id"], "expect": 0})
    assert not done.is_error, done.content
    assert writes(requests_seen) == ["delete_list"]


async def test_a_campaign_to_nobody_is_not_sent(fail, call, draft, requests_seen) -> None:
    empty = (await call("create_list", name="Nobody"))["record"]["id"]
    copied = await call("create_campaign_clone", id=draft["id"], new_name="To nobody")
    await call("update_campaign", id=copied["record"]["id"], audiences={"included": [empty], "excluded": []})
    requests_seen()
    error = await fail("send_campaign", id=copied["record"]["id"])
    assert error["code"] == "precondition_failed"
    assert "0 people" in error["problems"][0]["problem"]
    assert writes(requests_seen) == []


async def test_who_is_not_on_the_list_is_refused_by_name(fail, call, shown, newsletter, requests_seen) -> None:
    """At Klaviyo that would unsubscribe them everywhere."""
    members = (await call("get_profiles_for_list", id=newsletter, page_size=5))["records"]
    on_list = [one["email"].upper() for one in members if one.get("email")][:2]
    people = [{"email": address, "subscriptions": UNSUBSCRIBED} for address in [*on_list, "stranger@example.org"]]
    requests_seen()
    error = await fail("bulk_unsubscribe_profiles", list_id=newsletter, profiles=people)
    assert error["code"] == "precondition_failed"
    (problem,) = error["problems"]
    assert problem["problem"].endswith('everywhere: "stranger@example.org"')
    assert "allow_global" in problem["fix"]
    assert writes(requests_seen) == []
    text, _ = await shown("bulk_unsubscribe_profiles", list_id=newsletter, profiles=people[:2])
    assert "Only for the list" in text
    text, _ = await shown("bulk_unsubscribe_profiles", list_id=newsletter, profiles=people, allow_global=True)
    assert "unsubscribed everywhere" in text
    text, _ = await shown("bulk_unsubscribe_profiles", profiles=people)
    assert text.startswith("Everywhere, ")


async def test_whom_only_a_number_names_is_looked_up_by_it(fail, newsletter) -> None:
    people = [{"phone_number": "+14155550199", "subscriptions": {"sms": {"marketing": {"consent": "UNSUBSCRIBED"}}}}]
    error = await fail("bulk_unsubscribe_profiles", list_id=newsletter, profiles=people)
    assert '"+14155550199"' in error["problems"][0]["problem"]


# What is stronger by its arguments


async def test_many_people_at_once_are_strong_and_their_plan_stays_short(shown, newsletter) -> None:
    people = [{"email": f"p{number}@example.org", "subscriptions": SUBSCRIBED} for number in range(150)]
    text, data = await shown("bulk_subscribe_profiles", list_id=newsletter, profiles=people)
    assert text.startswith("Subscribes more than a hundred people at once.")
    assert data["effect"] == "destructive"
    body = data["requests"][0]["body"]
    assert body["characters"] > 10_000
    assert "148 more of 150" in str(body["begins"])
    _, data = await shown("bulk_subscribe_profiles", list_id=newsletter, profiles=people[:2])
    assert data["effect"] == "write"


# The way back


async def test_a_change_is_undone_by_the_call_it_names(call) -> None:
    group = (await call("create_list", name="Before", opt_in_process="single_opt_in"))["record"]["id"]
    done = await call("update_list", id=group, name="After")
    assert done["undo"] == {"action": "update_list", "arguments": {"id": group, "name": "Before"}}
    await call(done["undo"]["action"], **done["undo"]["arguments"])
    assert (await call("get_list", id=group))["record"]["name"] == "Before"


async def test_what_was_not_there_is_taken_out_again(call) -> None:
    person = (
        await call("create_profile", email=f"{uuid4()}@klaviyo-test.org", first_name="Ada", properties={"kept": 1})
    )["record"]
    done = await call(
        "update_profile", id=person["id"], first_name="Grace", title="Dr", properties={"kept": 2, "new": True}
    )
    assert done["undo"]["arguments"] == {
        "id": person["id"],
        "first_name": "Ada",
        "clear": ["title"],
        "properties": {"kept": 1},
        "unset_properties": ["new"],
    }


async def test_what_is_made_is_undone_by_deleting_it(call) -> None:
    made = await call("create_tag", name=str(uuid4()))
    assert made["undo"] == {"action": "delete_tag", "arguments": {"id": made["record"]["id"]}}


async def test_a_change_of_nothing_leads_nowhere(call) -> None:
    group = (await call("create_list", name="Same"))["record"]["id"]
    assert "undo" not in await call("update_list", id=group, name="Same")


async def test_tagging_is_undone_by_its_counterpart(call, newsletter) -> None:
    tag = (await call("create_tag", name=str(uuid4())))["record"]["id"]
    done = await call("tag_lists", id=tag, list_ids=[newsletter])
    assert done["undo"]["action"] == "remove_tag_from_lists"
    assert done["undo"]["arguments"] == {"id": tag, "list_ids": [newsletter]}


async def test_a_form_is_put_live_and_taken_off_the_website_by_the_call_it_names(call, shown, fail) -> None:
    async def agreed(action: str, **arguments: Any) -> dict[str, Any]:
        held = await call(action, **arguments)
        token = mapping(held.get("confirmation")).get("token")
        return await call("confirm_action", token=token) if token else held

    async def status() -> str:
        return (await call("get_form", id=form, form_fields=["status"]))["record"]["status"]

    form = next(one["id"] for one in (await call("get_forms"))["records"] if one["name"] == "Holiday flyout")
    does, _ = await shown("publish_form", id=form)
    assert 'the draft of the form "Holiday flyout" on the website at once' in does
    done = await agreed("publish_form", id=form)
    assert (done["record"]["status"], await status()) == ("complete", "live")
    await agreed(done["undo"]["action"], **done["undo"]["arguments"])
    assert await status() == "draft"
    assert "Nothing of the form is live" in (await fail("unpublish_form", id=form))["problems"][0]["problem"]
