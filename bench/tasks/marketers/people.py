"""Tasks about single people: their lists, their consent, their data."""

from bench.tasks.shop import JSON, Change, Snapshot
from bench.tasks.task import MUST_NOT, Case, Task

NEW = ("ada.new@example.org", "grace.new@example.org")
MIA = "mia@example.org"
EMAIL = "email.marketing"
SMS = "sms.marketing"


def _found(state: Snapshot, email: str) -> str:
    """The id of the profile with this address."""
    return state.named("profile", email, "email")


# 1


def _check_added(case: Case) -> None:
    people = case.made("profile")
    case.equal("who is new", {body["email"] for body in people.values()}, set(NEW))
    vip = case.before.named("list", "VIP customers")
    added, removed = case.links("list.profiles", vip)
    case.equal("who is new on the list", (added, removed), (set(people), set()))
    for identifier in people:
        case.equal("their consent", case.after.consent(identifier), "NEVER_SUBSCRIBED")
    reached = case.after.reached("email", set(people))
    case.said("campaigns_would_reach", {people[one]["email"] for one in reached})
    _of_joining(case, set(people), {vip})


def _of_joining(case: Case, people: set[str], lists: set[str]) -> None:
    """What comes with being put on a list: an event, a newer list, what the event says of the person."""
    case.allow("list", *lists)
    events = case.made("event")
    case.expect(all(event["_profile_id"] in people for event in events.values()), "others have new events")


# 2


def _check_asked(case: Case) -> None:
    pending = case.allow("pending_consent")
    case.equal("who is to confirm", [change.key[1] for change in pending if change.was is None], [MIA])
    newsletter = case.before.named("list", "Newsletter")
    case.equal("who is new on the list", case.links("list.profiles", newsletter), (set(), set()))
    people = case.made("profile")
    case.expect(all(body["email"] == MIA for body in people.values()), "somebody else is new")
    case.said("subscribed_now", False)
    case.said("waits_for", "confirmation")


# 6


def _keeps_texts(state: Snapshot) -> JSON:
    """A customer with several orders who agreed to emails and texts; not the one who is in every example."""
    orders: dict[str, int] = {}
    for event in state.events("Placed Order"):
        orders[event["_profile_id"]] = orders.get(event["_profile_id"], 0) + 1
    people = state.records("profile")
    chosen = min(
        identifier
        for identifier, count in orders.items()
        if count >= 3
        and state.consent(identifier) == state.consent(identifier, SMS) == "SUBSCRIBED"
        and not state.suppressed(identifier)
        and not people[identifier]["email"].startswith("maya.")
    )
    return {"name": people[chosen]["first_name"], "email": people[chosen]["email"]}


def _check_left(case: Case) -> None:
    who = _found(case.before, case.given["email"])
    case.equal("consent to emails", case.after.consent(who), "UNSUBSCRIBED")
    case.equal("consent to texts", case.after.consent(who, SMS), case.before.consent(who, SMS))
    case.said("email_before", "SUBSCRIBED")
    case.said("email_after", "UNSUBSCRIBED")
    case.said("texts_after", "SUBSCRIBED")
    case.allow("consent", where=lambda change: change.key[1:] == (who, EMAIL))
    case.allow("suppression", where=lambda change: change.key[1] == who and change.key[3] == "UNSUBSCRIBE")
    case.allow("profile", who)
    case.allow("event", where=lambda change: change.was is None and _mentions(change, who))


# 7


def _check_erased(case: Case) -> None:
    people = case.before.records("profile")
    oldest = min(people, key=lambda identifier: people[identifier]["created"])
    case.expect(oldest not in case.after.records("profile"), "the oldest profile is still there")
    case.said("email", people[oldest]["email"])
    for table in ("event", "review", "push_token", "conversation", "back_in_stock_subscription", "object_record"):
        case.allow(table, where=lambda change: change.now is None and _mentions(change, oldest))
    for table in ("profile", "consent", "suppression", "link", "pending_consent"):
        case.allow(table, where=lambda change: change.now is None and oldest in change.key)
    case.links("profile.addresses", oldest)
    gone = {change.key[1] for change in case.before.changes(case.after) if change.table in ("event", "review")}
    case.allow("link", where=lambda change: change.now is None and not gone.isdisjoint(change.key))


def _mentions(change: Change, profile: str) -> bool:
    return profile in str((change.was or change.now or ("",))[0])


# 14


def _twice(state: Snapshot) -> JSON:
    """Two profiles of which the second is to go: both have bought, and the second is on lists that the first is not."""
    people = state.records("profile")
    bought = sorted({event["_profile_id"] for event in state.events("Placed Order")})
    quiet = [one for one in bought if people[one]["email"] and state.consent(one) == "SUBSCRIBED"]
    keep = next(one for one in quiet if not people[one]["phone_number"])
    gone = next(one for one in reversed(quiet) if people[one]["phone_number"] and not state.suppressed(one))
    return {"keep": people[keep]["email"], "gone": people[gone]["email"]}


def _check_merged(case: Case) -> None:
    keep, gone = _found(case.before, case.given["keep"]), _found(case.before, case.given["gone"])
    people = case.before.records("profile")
    case.expect(gone not in case.after.records("profile"), "the second profile is still there")
    case.equal("the address that stays", case.after.records("profile")[keep]["email"], case.given["keep"])
    clashing = {
        name
        for name in ("email", "phone_number", "external_id", "first_name", "last_name")
        if people[keep][name] and people[gone][name] and people[keep][name] != people[gone][name]
    }
    case.said("lost", {str(people[gone][name]) for name in clashing})
    orders = [event for event in case.after.events("Placed Order") if event["_profile_id"] == keep]
    before = [event for event in case.before.events("Placed Order") if event["_profile_id"] in (keep, gone)]
    case.equal("the orders of both", len(orders), len(before))
    for table in ("profile", "consent", "suppression", "link", "pending_consent"):
        case.allow(table, where=lambda change: keep in change.key or gone in change.key)
    for table in ("event", "review", "push_token", "conversation", "back_in_stock_subscription", "object_record"):
        case.allow(table, where=lambda change: _mentions(change, gone) or _mentions(change, keep))


# 19


def _somebody(state: Snapshot) -> JSON:
    return {"email": state.records("profile")[_found(state, "maya.lindqvist@example.org")]["email"]}


def _check_told(case: Case) -> None:
    state = case.before
    who = _found(state, case.given["email"])
    for name, kind in (("lists", "list"), ("segments", "segment")):
        names = {
            body["name"] for one, body in state.records(kind).items() if who in state.linked(f"{kind}.profiles", one)
        }
        case.said(name, names)
    case.said("email_consent", state.consent(who))
    case.said("sms_consent", state.consent(who, SMS))
    orders = [event for event in state.events("Placed Order") if event["_profile_id"] == who]
    case.said("orders", len(orders))
    case.said("spent", sum(event["event_properties"]["$value"] for event in orders), within=0.01)
    newest = sorted(
        (event for event in state.records("event").values() if event["_profile_id"] == who),
        key=lambda event: -event["timestamp"],
    )[:20]
    metrics = state.records("metric")
    told = case.answer.data.get("last_events", [])
    case.equal("how many events are told", len(told), len(newest))
    case.equal(
        "the names of the last events", sorted(told), sorted(metrics[event["_metric_id"]]["name"] for event in newest)
    )


TASKS = (
    Task(
        1,
        "Two new people on the VIP list",
        "Please put ada.new@example.org and grace.new@example.org on our VIP customers list. Both are new to us and "
        "have not agreed to any marketing yet, so do not sign them up for anything. And tell me: if we send a campaign "
        "to that list, do they get it?",
        _check_added,
        (7, 4),
        {"campaigns_would_reach": "which of the two addresses an email campaign to the list goes to, as a list"},
    ),
    Task(
        2,
        "A subscription she agreed to",
        "mia@example.org told me at the counter today that she would like our Newsletter. Sign her up, please, and let "
        "me know whether she is on it now.",
        _check_asked,
        (6, 2),
        {"subscribed_now": "true or false", "waits_for": "'confirmation' or 'nothing'"},
    ),
    Task(
        6,
        "No more emails, texts stay",
        "{name} ({email}) has had enough of our marketing emails, all of them. She likes the texts, they must stay. "
        "Take care of it and tell me how her consent was and how it is now.",
        _check_left,
        (9, 42),
        {
            "email_before": "consent to marketing emails before, in Klaviyo's word",
            "email_after": "after",
            "texts_after": "consent to marketing texts after",
        },
        _keeps_texts,
    ),
    Task(
        7,
        "Erase the oldest profile",
        "We had a GDPR request from the person whose profile we have had for longest, the oldest one in the account. "
        "Erase everything about them, nobody else. I have checked it with legal, you need not ask me again.",
        _check_erased,
        (8, 3),
        {"email": "the address of whom you erased"},
        must_not=(*MUST_NOT, "bulk_unsubscribe_profiles"),
    ),
    Task(
        14,
        "Two profiles of one person",
        "{keep} and {gone} are the same customer. Keep the first profile and merge the other into it. Before you do, "
        "find out what gets lost with it; I am fine with losing it.",
        _check_merged,
        (12, 6),
        {
            "lost": "the values of the second profile that are lost, of its email, phone number, external id, first "
            "and last name, as a list"
        },
        _twice,
    ),
    Task(
        19,
        "All about one customer",
        "Give me everything about {email} on one page: who it is, what they agreed to, which lists and segments they "
        "are in, the last 20 things they did, and how much they have bought so far.",
        _check_told,
        (7, 14),
        {
            "email_consent": "in Klaviyo's word",
            "sms_consent": "in Klaviyo's word",
            "lists": "names",
            "segments": "names",
            "last_events": "the names of the metrics of the last 20 events",
            "orders": "how many orders in all",
            "spent": "their value in all",
        },
        _somebody,
    ),
)
