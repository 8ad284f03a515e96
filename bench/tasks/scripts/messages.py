"""Scripts for tasks about campaigns and flows."""

import asyncio

from bench.tasks.scripts.audiences import ORDERS, filled
from bench.tasks.scripts.hand import BETWEEN_LOOKS, MOST_LOOKS, Hand, with_ids
from bench.tasks.scripts.people import at, list_named, orders_metric
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

_HELLO = (
    "<html><body><h1>Winter is nearly here</h1><p>Hello {{ first_name|default:'there' }},</p>"
    "<p>warm things have arrived.</p><p>{% unsubscribe %}</p></body></html>"
)
_RENDER = ("show how a template looks for a person", "render a template for one person")
_CHANNELS = ("email", "sms", "mobile_push")
_TEXTS = "subscriptions.sms.marketing.consent"


async def sender(hand: Hand) -> tuple[str, str]:
    """The account's own sender: address and name."""
    answer = await hand.run("our sender and time zone", "get_accounts")
    contact = answer["records"][0]["contact_information"]
    return contact["default_sender_email"], contact["default_sender_name"]


async def recipients(hand: Hand, campaign: str) -> int:
    """How many people a campaign goes to, by Klaviyo's own estimate."""
    asked = "how many people will get a campaign"
    begun = await hand.run(asked, "refresh_campaign_recipient_estimation", id=campaign)
    for _ in range(MOST_LOOKS):
        job = await hand.follow(begun["verify"])
        if job["record"]["status"] == "complete":
            break
        await asyncio.sleep(BETWEEN_LOOKS)
    answer = await hand.run(asked, "get_campaign_recipient_estimation", id=campaign)
    return answer["record"]["estimated_recipient_count"]


async def draft_for_friday(hand: Hand) -> Answer:
    """Task 5."""
    if hand.lists("draft_campaign"):
        return await _drafted_at_once(hand)
    newsletter, vip = [await list_named(hand, name) for name in ("Newsletter", "VIP customers")]
    address, name = await sender(hand)
    template = await hand.run(
        "create an email template", "create_template", name="Winter is nearly here", editor_type="CODE", html=_HELLO
    )
    looks = await hand.run(
        _RENDER,
        "render_template",
        id=template["record"]["id"],
        context={"first_name": "Ada"},
        template_fields=["text"],
    )
    message = {
        "channel": "email",
        "subject": "Winter is nearly here",
        "preview_text": "Warm things, and one surprise",
        "from_email": address,
        "from_label": name,
    }
    campaign = await hand.run(
        "draft a campaign to a list",
        "create_campaign",
        name="Winter is nearly here",
        audiences={"included": [newsletter], "excluded": [vip]},
        messages=[message],
        send_strategy={
            "method": "static",
            "datetime": f"{hand.given['friday']}T09:00:00Z",
            "options": {"is_local": True, "send_past_recipients_immediately": False},
        },
    )
    (made,) = campaign["record"]["related"]["campaign-messages"]
    await hand.run(
        "put a template into a campaign",
        "assign_template_to_campaign_message",
        id=made,
        template_id=template["record"]["id"],
    )
    count = await recipients(hand, campaign["record"]["id"])
    return Answer(
        f"The draft is there; {count} people will get it.", {"recipients": count, "rendered": looks["record"]["text"]}
    )


async def _drafted_at_once(hand: Hand) -> Answer:
    made = await hand.run(
        "draft a campaign to a list",
        "draft_campaign",
        name="Winter is nearly here",
        included=[await list_named(hand, "Newsletter")],
        excluded=[await list_named(hand, "VIP customers")],
        subject="Winter is nearly here",
        preview_text="Warm things, and one surprise",
        html=_HELLO,
        send_at=f"{hand.given['friday']}T09:00:00",
        send_on="recipients_clock",
    )
    looks = await hand.run(
        _RENDER, "render_template", id=made["template_id"], context={"first_name": "Ada"}, template_fields=["text"]
    )
    count = made["recipients_estimate"]
    return Answer(
        f"The draft is there; {count} people will get it.", {"recipients": count, "rendered": looks["record"]["text"]}
    )


async def pause_and_tag(hand: Hand) -> Answer:
    """Task 10."""
    welcome = await _welcoming(hand)
    held = await hand.run("pause a flow", "update_flow", id=welcome["id"], status="draft")
    await hand.confirm(held)
    gifts = await _campaigns_named(hand, "gift")
    if hand.lists("find"):
        tags = (await hand.run("find a tag", "find", text="Q4", kinds=["tag"]))["hits"]
    else:
        tags = await hand.records("which tags are there", "get_tags")
    known = [one["id"] for one in tags if one["name"] == "Q4"]
    tag = known[0] if known else (await hand.run("create a tag", "create_tag", name="Q4"))["record"]["id"]
    await hand.run("tag campaigns", "tag_campaigns", id=tag, campaign_ids=[one["id"] for one in gifts])
    return Answer(f"{welcome['name']} is paused.", {"tagged": [one["name"] for one in gifts]})


async def _welcoming(hand: Hand) -> JSON:
    """The flow that is at work and has welcome in its name."""
    if hand.lists("find"):
        found = (await hand.run("find a flow", "find", text="welcome", kinds=["flow"]))["hits"]
    else:
        found = await hand.records(
            "flow that welcomes subscribers", "get_flows", flow_fields=["name", "status", "trigger_type"]
        )
    (welcome,) = [one for one in found if "welcome" in one["name"].lower() and one["status"] == "live"]
    return welcome


async def _campaigns_named(hand: Hand, part: str) -> list[JSON]:
    """The campaigns of all channels with this in their name."""
    if hand.lists("find"):
        return (await hand.run("find campaigns", "find", text=part, kinds=["campaign"], most=100))["hits"]
    found: list[JSON] = []
    named = [{"field": "name", "operator": "contains", "value": part}]
    for channel in _CHANNELS:
        found += await hand.records(
            "campaigns by name", "get_campaigns", channel=channel, filter=named, campaign_fields=["name"]
        )
    return found


async def stop(hand: Hand) -> Answer:
    """Task 13."""
    found = await scheduled(hand)
    # What stops a campaign by itself leaves it as cancelled; a draft it becomes only when that is asked for.
    answer = await hand.run("stop a scheduled campaign", "cancel_campaign_send", id=found["id"], action="revert")
    if answer.get("done") is False:
        await hand.confirm(answer)
    return Answer(f"{found['name']} is a draft again.", {"campaign": found["name"]})


async def scheduled(hand: Hand) -> JSON:
    """The one campaign that is scheduled, of any channel."""
    if hand.lists("scheduled_campaigns"):
        found = (await hand.run("what goes out when", "scheduled_campaigns"))["campaigns"]
    else:
        is_scheduled = [{"field": "status", "operator": "equals", "value": "Scheduled"}]
        found = []
        for channel in _CHANNELS:
            found += await hand.records(
                "scheduled campaigns",
                "get_campaigns",
                channel=channel,
                filter=is_scheduled,
                campaign_fields=["name", "status"],
            )
    # What is being sent already is no longer scheduled.
    (one,) = [campaign for campaign in found if campaign["status"] == "Scheduled"]
    return one


async def win_back(hand: Hand) -> Answer:
    """Task 16."""
    orders, guide = await orders_metric(hand), await hand.guide("segments")
    definition = with_ids(guide.worked("create_segment", "One order, none in 180 days")["definition"], {ORDERS: orders})
    once = definition["condition_groups"][0]["conditions"][0]["measurement_filter"]
    once["operator"] = guide.says("greater-than-or-equal")
    segment, people = await filled(hand, "Ordered, silent for 180 days", definition)
    address, name = await sender(hand)
    template = (await _templates(hand))[0]["id"]
    flow = (await hand.guide("flows")).worked("create_flow", "flow-start")["definition"]
    flow = with_ids(flow, {ORDERS: orders, "Xy7PqL": segment, "Tq8mWd": template, "Rn5cKp": template})
    subjects = iter(("We have missed you", "Still thinking of you"))
    for step in flow["actions"]:
        if message := step["data"].get("message"):
            subject = next(subjects)
            message |= {"name": subject, "subject_line": subject, "from_email": address, "from_label": name}
    await hand.run("make a win-back flow", "create_flow", name="Win-back after 180 days", definition=flow)
    return Answer(f"The flow is there as a draft; {people} people are in its segment.", {})


async def _templates(hand: Hand) -> list[JSON]:
    """Templates of the account."""
    return await hand.records(
        "which templates do we have",
        "get_templates",
        **hand.shown("name", otherwise={"template_fields": ["name"]}),
    )


async def text_to_vips(hand: Hand) -> Answer:
    """Task 21."""
    vip = await list_named(hand, "VIP customers")
    count = await _texts_drafted(hand, vip)
    if hand.lists("audience_size"):
        size = await hand.run("how many are on a list", "audience_size", audience=vip)
        why = size["why_not_reachable"]["sms"]
        data = {"members": size["people"], "reached": count, "without_number": why["no_phone_number"]}
        return Answer(f"{count} would get it.", {**data, "without_consent": why["number_but_no_consent"]})
    people = await hand.records(
        ("people on a list with their consent to texts", "who is on a list"),
        "get_profiles_for_list",
        id=vip,
        page_size=100,
        **hand.shown(
            "phone_number",
            _TEXTS,
            otherwise={"additional_profile_fields": ["subscriptions"], "profile_fields": ["phone_number", _TEXTS]},
        ),
    )
    with_number = [one for one in people if one.get("phone_number")]
    refused = [one for one in with_number if at(one, _TEXTS) != "SUBSCRIBED"]
    return Answer(
        f"{count} of {len(people)} would get it.",
        {
            "members": len(people),
            "reached": count,
            "without_number": len(people) - len(with_number),
            "without_consent": len(refused),
        },
    )


async def _texts_drafted(hand: Hand, audience: str) -> int:
    """Draft the text, and say how many would get it."""
    text, name = "VIPs get 20% off packs today.", "VIPs: 20% off packs"
    words = "draft a text message campaign"
    if hand.lists("draft_campaign"):
        drafted = await hand.run(words, "draft_campaign", channel="sms", name=name, included=[audience], body=text)
        return drafted["recipients_estimate"]
    message = {"channel": "sms", "body": text}
    campaign = await hand.run(
        words, "create_campaign", name=name, audiences={"included": [audience]}, messages=[message]
    )
    return await recipients(hand, campaign["record"]["id"])


SCRIPTS = {5: draft_for_friday, 10: pause_and_tag, 13: stop, 16: win_back, 21: text_to_vips}
