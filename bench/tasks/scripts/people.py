"""Scripts for tasks about single people."""

from bench.tasks.scripts.hand import Hand
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

CONSENTS = ["subscriptions.email.marketing", "subscriptions.sms.marketing"]
LAST_THINGS = ("the last things a customer did", "latest activity of a person")


async def list_named(hand: Hand, name: str) -> str:
    """The id of the one list of this name."""
    lists = await hand.records("which lists are there", "get_lists")
    (found,) = [one["id"] for one in lists if one["name"] == name]
    return found


async def person(hand: Hand, email: str, *, consent: bool = False) -> JSON:
    """The one profile of an address."""
    more = {"additional_profile_fields": ["subscriptions"]} if consent else {}
    fields = ["email", "phone_number", "external_id", "first_name", "last_name", *(CONSENTS if consent else [])]
    where = [{"field": "email", "operator": "equals", "value": email}]
    (found,) = await hand.records(
        "find a customer by email", "get_profiles", filter=where, profile_fields=fields, **more
    )
    return found


async def put_on_list(hand: Hand) -> Answer:
    """Task 1."""
    vip = await list_named(hand, "VIP customers")
    new = ["ada.new@example.org", "grace.new@example.org"]
    put = "put people on a list without changing their consent"
    added = await hand.run(put, "add_profile_to_list", list_id=vip, emails=new, create_missing=True)
    where = [{"field": "id", "operator": "any", "value": added["profile_ids"]}]
    people = await hand.records(
        "consent of people",
        "get_profiles",
        filter=where,
        additional_profile_fields=["subscriptions"],
        profile_fields=["email", "subscriptions.email.marketing"],
    )
    reached = [
        one["email"] for one in people if one["subscriptions"]["email"]["marketing"]["can_receive_email_marketing"]
    ]
    return Answer(" ".join(added["notes"]), {"campaigns_would_reach": reached})


async def subscribe(hand: Hand) -> Answer:
    """Task 2."""
    newsletter = await list_named(hand, "Newsletter")
    consents = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    asked = await hand.run(
        "subscribe someone to a list",
        "bulk_subscribe_profiles",
        list_id=newsletter,
        profiles=[{"email": "mia@example.org", "subscriptions": consents}],
        custom_source="Said so at the counter",
    )
    waits = any("confirm" in note for note in asked["notes"])
    return Answer(
        " ".join(asked["notes"]), {"subscribed_now": not waits, "waits_for": "confirmation" if waits else "nothing"}
    )


async def no_more_emails(hand: Hand) -> Answer:
    """Task 6."""
    email = hand.given["email"]
    before = await person(hand, email, consent=True)
    ended = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
    held = await hand.run(
        "unsubscribe a customer from all marketing emails",
        "bulk_unsubscribe_profiles",
        profiles=[{"email": email, "subscriptions": ended}],
    )
    if held["reaches"] == 1:
        await hand.confirm(held)
    after = await person(hand, email, consent=True)
    words = [
        before["subscriptions"]["email"]["marketing"]["consent"],
        after["subscriptions"]["email"]["marketing"]["consent"],
        after["subscriptions"]["sms"]["marketing"]["consent"],
    ]
    return Answer(
        "Emails have ended, texts stay.", dict(zip(("email_before", "email_after", "texts_after"), words, strict=True))
    )


async def erase(hand: Hand) -> Answer:
    """Task 7."""
    answer = await hand.run(
        "oldest profile", "get_profiles", sort="created", page_size=2, profile_fields=["email", "created"]
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
    keep, gone = [await person(hand, hand.given[name]) for name in ("keep", "gone")]
    fields = ("email", "phone_number", "external_id", "first_name", "last_name")
    lost = [str(gone[name]) for name in fields if keep.get(name) and gone.get(name) and keep[name] != gone[name]]
    held = await hand.run(
        "merge two profiles of one person",
        "merge_profiles",
        destination_profile_id=keep["id"],
        source_profile_ids=[gone["id"]],
    )
    await hand.confirm(held)
    return Answer(f"Lost are {', '.join(lost)}. " + " ".join(held["does"]), {"lost": lost})


async def all_about(hand: Hand) -> Answer:
    """Task 19."""
    who = await person(hand, hand.given["email"], consent=True)
    lists = await hand.records("lists a customer is on", "get_lists_for_profile", id=who["id"], list_fields=["name"])
    segments = await hand.records(
        "segments a customer is in", "get_segments_for_profile", id=who["id"], segment_fields=["name"]
    )
    mine = {"field": "profile_id", "operator": "equals", "value": who["id"]}
    last = await hand.run(
        LAST_THINGS,
        "get_events",
        filter=[mine],
        sort="-datetime",
        include=["metric"],
        metric_fields=["name"],
        event_fields=["datetime"],
        page_size=20,
    )
    names = {metric["id"]: metric["name"] for metric in last["included"]["metric"]}
    orders = await bought(hand, who["id"], names)
    consents = who["subscriptions"]
    return Answer(
        f"{who['first_name']} {who['last_name']}, {who['email']}",
        {
            "email_consent": consents["email"]["marketing"]["consent"],
            "sms_consent": consents["sms"]["marketing"]["consent"],
            "lists": [one["name"] for one in lists],
            "segments": [one["name"] for one in segments],
            "last_events": [names[one["related"]["metric"]] for one in last["records"]],
            "orders": len(orders),
            "spent": sum(one["event_properties"]["$value"] for one in orders),
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
    metrics = await hand.records("which metrics are there", "get_metrics", metric_fields=["name"])
    (found,) = [one["id"] for one in metrics if one["name"] == "Placed Order"]
    return found


SCRIPTS = {1: put_on_list, 2: subscribe, 6: no_more_emails, 7: erase, 14: merge, 19: all_about}
