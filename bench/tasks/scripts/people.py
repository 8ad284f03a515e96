"""Scripts for tasks about single people."""

import re
from typing import Any

from bench.tasks.agents import AgentError
from bench.tasks.scripts.hand import Hand
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

CONSENTS = ["subscriptions.email.marketing", "subscriptions.sms.marketing"]
LAST_THINGS = ("the last things a customer did", "latest activity of a person")


async def list_named(hand: Hand, name: str) -> str:
    """What stands for the one list of this name: its name where the server takes one, else its id."""
    return f"name:{name}" if hand.takes_names else await list_id(hand, name)


async def list_id(hand: Hand, name: str) -> str:
    """The id of the one list of this name."""
    return (await named(hand, name, "list", "which lists are there", "get_lists"))["id"]


async def named(hand: Hand, name: str, kind: str, words: str, action: str, **more: Any) -> JSON:
    """The one thing of a kind with this name, found by it, or among all that `action` gives."""
    if hand.lists("find"):
        found = (await hand.run(words, "find", text=name, kinds=[kind]))["hits"]
    else:
        found = await hand.records(words, action, **more)
    exact = [one for one in found if one["name"] == name]
    if len(exact) != 1:
        raise AgentError(f"{len(exact)} of kind {kind} are called {name}.")
    return exact[0]


async def people(hand: Hand, *emails: str) -> list[JSON]:
    """The profiles of addresses, in their order: id and name at least."""
    if hand.lists("find"):
        hits = [(await hand.run("find a person", "find", text=one, kinds=["profile"]))["hits"] for one in emails]
        return [hit for (hit,) in hits]
    fields = ["email", "first_name", "last_name"]
    found = await hand.records(
        "find a customer by email",
        "get_profiles",
        filter=[{"field": "email", "operator": "any", "value": list(emails)}],
        **hand.shown(*fields, otherwise={"profile_fields": fields}),
    )
    by_email = {one["email"]: one for one in found}
    return [by_email[email] for email in emails]


async def consents(hand: Hand, email: str) -> dict[str, str]:
    """What somebody said to marketing by email and by text, in Klaviyo's words."""
    if hand.lists("profile_overview"):
        page = await hand.run("all about a customer", "profile_overview", profile=email)
        return _consents(page)
    (who,) = await hand.records(
        "find a customer by email",
        "get_profiles",
        filter=[{"field": "email", "operator": "equals", "value": email}],
        additional_profile_fields=["subscriptions"],
        profile_fields=["email", *CONSENTS],
    )
    said = who["subscriptions"]
    return {channel: said[channel]["marketing"]["consent"] for channel in ("email", "sms")}


def _consents(page: JSON) -> dict[str, str]:
    """The consents of a person's page, which has a line for each channel: its name, then the consent."""
    lines = [line.replace(":", " ").split() for line in page["consent"]]
    return {words[0].lower(): words[1].strip(";,.").upper() for words in lines}


async def put_on_list(hand: Hand) -> Answer:
    """Task 1."""
    vip = await list_named(hand, "VIP customers")
    new = ["ada.new@example.org", "grace.new@example.org"]
    put = "put people on a list without changing their consent"
    added = await hand.run(put, "add_profile_to_list", list_id=vip, emails=new, create_missing=True)
    people = await hand.records(
        "consent of people",
        "get_profiles",
        filter=[{"field": "id", "operator": "any", "value": added["profile_ids"]}],
        **hand.shown(
            "email",
            "subscriptions.email.marketing.can_receive_email_marketing",
            otherwise={
                "additional_profile_fields": ["subscriptions"],
                "profile_fields": ["email", "subscriptions.email.marketing"],
            },
        ),
    )
    reached = [one["email"] for one in people if at(one, "subscriptions.email.marketing.can_receive_email_marketing")]
    return Answer(" ".join(added["notes"]), {"campaigns_would_reach": reached})


def at(record: JSON, path: str) -> Any:
    """What a record has at a dotted path, as a key of its own or inside."""
    value: Any = record
    for part in (path,) if path in record else path.split("."):
        value = value.get(part, {})
    return value


async def subscribe(hand: Hand) -> Answer:
    """Task 2."""
    newsletter = await list_named(hand, "Newsletter")
    agreed = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    asked = await hand.run(
        "subscribe someone to a list",
        "bulk_subscribe_profiles",
        list_id=newsletter,
        profiles=[{"email": "mia@example.org", "subscriptions": agreed}],
        custom_source="Said so at the counter",
    )
    waits = any("confirm" in note for note in asked["notes"])
    return Answer(
        " ".join(asked["notes"]), {"subscribed_now": not waits, "waits_for": "confirmation" if waits else "nothing"}
    )


async def no_more_emails(hand: Hand) -> Answer:
    """Task 6."""
    email = hand.given["email"]
    before = await consents(hand, email)
    ended = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
    held = await hand.run(
        "unsubscribe a customer from all marketing emails",
        "bulk_unsubscribe_profiles",
        profiles=[{"email": email, "subscriptions": ended}],
    )
    if held["reaches"] == 1:
        await hand.confirm(held)
    after = await consents(hand, email)
    return Answer(
        "Emails have ended, texts stay.",
        {"email_before": before["email"], "email_after": after["email"], "texts_after": after["sms"]},
    )


async def erase(hand: Hand) -> Answer:
    """Task 7."""
    answer = await hand.run(
        ("which profile is the oldest", "find profiles"),
        "get_profiles",
        sort="created",
        page_size=2,
        **hand.shown("email", "created", otherwise={"profile_fields": ["email", "created"]}),
    )
    oldest = answer["records"][0]
    held = await hand.run(
        "erase everything about a person (GDPR)", "request_profile_deletion", profile={"id": oldest["id"]}
    )
    # The preview names whom it erases: nobody else may be among them.
    if oldest["email"] in " ".join(held["does"]):
        await hand.confirm(held)
    return Answer(f"Everything about {oldest['email']} is being erased.", {"email": oldest["email"]})


async def merge(hand: Hand) -> Answer:
    """Task 14."""
    keep, gone = await people(hand, hand.given["keep"], hand.given["gone"])
    held = await hand.run(
        "merge two profiles of one person",
        "merge_profiles",
        destination_profile_id=keep["id"],
        source_profile_ids=[gone["id"]],
    )
    # What is lost stands in what the merge would do, each value in quotes or marks behind the name of its field.
    (says,) = [line for line in held["does"] if line.startswith("Lost")]
    fields = "email|phone_number|external_id|first_name|last_name"
    lost = re.findall(rf'(?:^|[ ,:])(?:{fields}) ["⟦]([^"⟧]*)["⟧]', says)
    await hand.confirm(held)
    return Answer(f"Lost are {', '.join(lost)}. " + " ".join(held["does"]), {"lost": lost})


async def all_about(hand: Hand) -> Answer:
    """Task 19."""
    if hand.lists("profile_overview"):
        return await _on_one_page(hand)
    email = hand.given["email"]
    (who,) = await people(hand, email)
    said = await consents(hand, email)
    lists = await hand.records("lists a customer is on", "get_lists_for_profile", id=who["id"], list_fields=["name"])
    segments = await hand.records(
        "segments a customer is in", "get_segments_for_profile", id=who["id"], segment_fields=["name"]
    )
    last = await hand.run(
        LAST_THINGS,
        "get_events",
        filter=[{"field": "profile_id", "operator": "equals", "value": who["id"]}],
        sort="-datetime",
        include=["metric"],
        metric_fields=["name"],
        event_fields=["datetime"],
        page_size=20,
    )
    # The metric stands in the event, or beside it.
    beside = {metric["id"]: metric for metric in last.get("included", {}).get("metric", [])}
    metrics = [one.get("metric") or beside[one["related"]["metric"]] for one in last["records"]]
    orders = await bought(hand, who["id"], {metric["id"]: metric["name"] for metric in metrics})
    return Answer(
        f"{who['first_name']} {who['last_name']}, {email}",
        {
            "email_consent": said["email"],
            "sms_consent": said["sms"],
            "lists": [one["name"] for one in lists],
            "segments": [one["name"] for one in segments],
            "last_events": [metric["name"] for metric in metrics],
            "orders": len(orders),
            "spent": sum(one["event_properties"]["$value"] for one in orders),
        },
    )


async def _on_one_page(hand: Hand) -> Answer:
    page = await hand.run("all about a customer", "profile_overview", profile=hand.given["email"])
    said = _consents(page)
    return Answer(
        f"{page['who']['name']}, {page['who']['email']}",
        {
            "email_consent": said["email"],
            "sms_consent": said["sms"],
            "lists": page["lists"],
            "segments": page["segments"],
            # A line for each: when, what, and what tells most of it.
            "last_events": [line.split(" · ")[1] for line in page["events"]],
            "orders": page["orders"]["count"],
            "spent": page["orders"]["value"],
        },
    )


async def bought(hand: Hand, profile: str, names: JSON) -> list[JSON]:
    """All orders of one person; the metric is looked up when its name was not among those that are known."""
    known = [identifier for identifier, name in names.items() if name == "Placed Order"]
    metric = known[0] if known else await orders_metric(hand)
    filters = [
        {"field": "profile_id", "operator": "equals", "value": profile},
        {"field": "metric_id", "operator": "equals", "value": metric},
    ]
    return await hand.records(LAST_THINGS, "get_events", filter=filters, event_fields=["event_properties", "datetime"])


async def orders_metric(hand: Hand) -> str:
    """The id of the shop's own Placed Order."""
    return (
        await named(hand, "Placed Order", "metric", "which metrics are there", "get_metrics", metric_fields=["name"])
    )["id"]


SCRIPTS = {1: put_on_list, 2: subscribe, 6: no_more_emails, 7: erase, 14: merge, 19: all_about}
