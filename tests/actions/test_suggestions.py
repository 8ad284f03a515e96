"""What is offered for a name that no action has: what does something like it, and nothing stronger than it asks."""

import pytest

from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import UnknownAction, one_line
from klaviyo_mcp.actions.names import find_action
from klaviyo_mcp.actions.wording import REVERSING, wording
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.answers.text import error_text

QUESTIONS = {
    "search_profiles": "get_profiles",
    "find_customer": "get_profiles",
    "find_custumer": "get_profiles",
    "profiles_search": "get_profiles",
    "get_subscribers": "get_profiles",
    "list_members": "get_profiles_for_list",
    "get_segment_members": "get_profiles_for_segment",
    "get_suppressed_profiles": "get_profiles",
    "who_unsubscribed": "get_profiles",
    "count_profiles": "get_profiles",
    "how_many_subscribers": "get_list",
    "get_orders": "get_events",
    "get_purchase_history": "get_events",
    "get_open_rates": "query_flow_values query_campaign_values",
    "get_click_rate": "query_flow_values query_campaign_values",
    "campaign_stats": "query_campaign_values",
    "flow_performance": "query_flow_values",
    "form_stats": "query_form_values",
    "segment_size": "query_segment_values get_segment",
    "get_revenue": "query_metric_aggregates",
    "get_sales_report": "query_metric_aggregates",
    "get_products": "get_catalog_items",
    "get_discount_codes": "get_coupon_codes",
    "list_webhooks": "get_webhooks",
    "list_automations": "get_flows",
    "preview_template": "render_template",
    "get_account_info": "get_account",
    "getProfiles": "get_profiles",
    "klaviyo-get-lists": "get_lists",
    "get_reviews_for_product": "get_reviews",
    "size_of_audience": "audience_size",
    "campaign_estimation": "get_campaign_recipient_estimation",
    "get_deleted_profiles": "get_profiles",
    "what_campaigns_sent": "get_campaigns get_campaign_send_job",
}
CHANGES = {
    "add_flow_step": "create_flow_action",
    "track_event": "create_event",
    "log_purchase": "create_event",
    "subscribe_user": "bulk_subscribe_profiles",
    "add_to_list": "add_profile_to_list add_profiles_to_list",
    "create_customer": "create_profile",
    "update_contact": "update_profile",
    "upsert_profile": "create_or_update_profile",
    "import_contacts": "bulk_import_profiles",
    "upload_image": "upload_image_from_file upload_image_from_url",
    "update_price": "update_catalog_variant update_catalog_item",
    "add_product": "create_catalog_item",
    "create_discount": "create_coupon",
    "create_newsletter": "create_campaign",
    "create_automation": "create_flow",
    "create_popup": "create_form",
    "duplicate_campaign": "create_campaign_clone",
    "copy_template": "clone_template",
    "edit_template": "update_template",
    "archive_campaign": "update_campaign",
    "creat_list": "create_list",
    "klaviyo-create-list": "create_list",
    "list_create": "create_list",
}
DESTRUCTION = {
    "publish_popup": "publish_form",
    "send_email": "send_campaign",
    "send_newsletter": "send_campaign",
    "send_sms": "send_campaign create_conversation_message",
    "schedule_newsletter": "schedule_campaign",
    "activate_flow": "update_flow",
    "suppress_list": "bulk_suppress_profiles",
    "block_email": "bulk_suppress_profiles",
    "unsubscribe_user": "bulk_unsubscribe_profiles",
    "opt_out_user": "bulk_unsubscribe_profiles",
    "delete_profile": "request_profile_deletion",
    "delete_customer": "request_profile_deletion",
    "gdpr_delete": "request_profile_deletion",
    "forget_user": "request_profile_deletion",
    "remove_product": "delete_catalog_item",
    "remove_user_from_list": "remove_profile_from_list",
    "remove_suppression": "bulk_unsuppress_profiles",
    "untag_campaign": "remove_tag_from_campaigns",
    "merge_contacts": "merge_profiles",
    "delete_events": "get_events",
    "delete_order": "get_event get_events",
    "delete_account": "get_account",
    "delte_list": "delete_list",
}
REVERSALS = {
    "unschedule_campaign": "cancel_campaign_send",
    "cancel_campaign": "cancel_campaign_send",
    "stop_campaign": "cancel_campaign_send",
    "stop_sending": "cancel_campaign_send",
    "undo_send": "cancel_campaign_send",
    "revert_campaign": "cancel_campaign_send",
    "unsend_campaign": "cancel_campaign_send",
    "pause_flow": "update_flow",
    "stop_flow": "update_flow",
    "resume_flow": "update_flow",
    "turn_off_flow": "update_flow",
    "unsuppress_profile": "bulk_unsuppress_profiles",
    "undo_unsubscribe": "bulk_subscribe_profiles",
    "disable_webhook": "update_webhook",
    "hide_signup_form": "unpublish_form",
    "cancel_order": "get_event get_events",
}
NOTHING = ["bake_cake", "get_weather", "run_sql", "do_it", "undo_merge", "", "💥", "rm -rf /"]
TABLE = {**QUESTIONS, **CHANGES, **DESTRUCTION, **REVERSALS}


@pytest.mark.parametrize("name", TABLE)
def test_a_plausible_name_is_answered_with_what_does_it(registry, name) -> None:
    found = _found(registry, name)
    assert found[0].name in TABLE[name].split()
    assert len(found) <= 4
    assert all(candidate.summary == registry[candidate.name].spec.summary for candidate in found)


@pytest.mark.parametrize("name", {**QUESTIONS, **REVERSALS})
def test_a_question_and_a_reversal_lead_to_nothing_destructive(registry, name) -> None:
    strong = {found.name for found in _found(registry, name) if found.effect == "destructive"}
    assert strong <= (set(REVERSING) if name in REVERSALS else set())


@pytest.mark.parametrize("name", ["remove_from_segment", "remove_user_from_segment"])
def test_taking_someone_out_of_a_segment_is_not_deleting_it(registry, name) -> None:
    assert all(found.effect == "read" for found in _found(registry, name))


def test_to_resume_a_campaign_is_neither_to_send_nor_to_cancel_it(registry) -> None:
    assert not {"send_campaign", "cancel_campaign_send"} & {found.name for found in _found(registry, "resume_campaign")}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_is_offered_rather_than_something_wrong(registry, name) -> None:
    with pytest.raises(UnknownAction) as error:
        find_action(registry, name)
    assert error.value.candidates == ()
    assert "klaviyo-mcp actions search" in error.value.told


@pytest.mark.parametrize("verb", ["search", "find", "get", "list", "show", "count", "who", "how_many", "stop", "pause"])
def test_no_verb_of_a_question_or_reversal_reaches_what_destroys_anything(registry, verb) -> None:
    # Every verb looks at others.
    for action in registry.actions[sum(map(ord, verb)) % 12 :: 12]:
        name = f"{verb}_{'_'.join(action.name.split('_')[1:])}_x"
        for found in _found(registry, name):
            assert found.effect != "destructive" or found.name in REVERSING, (name, found)


def test_a_name_that_has_slipped_leads_to_its_action_unless_that_is_stronger(registry) -> None:
    for at, action in enumerate(registry.actions):
        # To find candidates takes long, so that each action is written in one of the four ways.
        slips = (
            f"klaviyo-{action.name}".replace("_", "-"),
            action.name.replace("_", "-"),
            f"{action.name}s",
            action.name.title(),
        )
        slip = slips[at % len(slips)]
        if registry.get(slip) is None:
            found = _found(registry, slip)
            if action.effect != "destructive" or wording(slip).asks == "destructive":
                assert action.name in [candidate.name for candidate in found[:2]], slip


def test_only_what_is_exposed_is_offered(registry) -> None:
    with pytest.raises(UnknownAction) as error:
        find_action(registry, "find_customer", lambda action: action.spec.toolset == "lists")
    assert all(registry[name].spec.toolset == "lists" for name in error.value.near)


def test_candidates_are_told_with_their_effect_and_none_as_an_order(registry) -> None:
    with pytest.raises(UnknownAction) as error:
        Engine(registry).plan(Call("unschedule_campaign"))
    answer = explain(error.value, "unschedule_campaign", registry)
    told = answer.data["error"]
    assert told["candidates"][0] == {
        "name": "cancel_campaign_send",
        "effect": "destructive",
        "summary": registry["cancel_campaign_send"].spec.summary,
    }
    text = error_text(answer)
    assert "read what they do before you call one:\n- cancel_campaign_send (destructive): Stop a campaign" in text
    assert "instead" not in text


@pytest.mark.parametrize("name", ["x" * 10_000, "get\nlists\x00\x1b[31m" * 50, "a\u202eb", "\ud800"])
def test_an_odd_name_is_shown_on_one_short_line(registry, name) -> None:
    assert len(one_line(name)) <= 100
    assert one_line(name).isprintable()
    with pytest.raises(UnknownAction) as error:
        find_action(registry, name)
    assert error.value.message.isprintable()


def _found(registry, name):
    with pytest.raises(UnknownAction) as error:
        find_action(registry, name)
    return error.value.candidates
