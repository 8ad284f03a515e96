"""Tasks about campaigns, flows and what they send."""

from datetime import UTC, date, datetime, timedelta

from bench.tasks.marketers.audiences import allow_estimating, details_of
from bench.tasks.shop import JSON, Snapshot
from bench.tasks.task import MUST_NOT, Case, Task

SENDER = "hello@juniperandpine.example"
SHOP = "Juniper & Pine"

# 5


def _friday(_: Snapshot) -> JSON:
    today = datetime.now(UTC).date()
    return {"friday": str(_next_friday(today))}


def _next_friday(today: date) -> date:
    """The Friday of next week at the earliest two days from now, so that it has passed nowhere."""
    first = today + timedelta(days=2)
    return first + timedelta(days=(4 - first.weekday()) % 7)


def _check_drafted(case: Case) -> None:
    state = case.before
    newsletter, vip = state.named("list", "Newsletter"), state.named("list", "VIP customers")
    identifier, campaign = case.one("campaign")
    case.equal("its status", campaign.get("status"), "Draft")
    case.equal("its audiences", campaign.get("audiences"), {"included": [newsletter], "excluded": [vip]})
    strategy = campaign.get("send_strategy", {})
    case.equal("when it goes", str(strategy.get("datetime"))[:16], f"{case.given['friday']}T09:00")
    case.equal("whose clock", (strategy.get("options") or {}).get("is_local"), True)
    _, message = case.one("campaign_message")
    content = details_of(case)
    for name, wanted in (
        ("subject", "Winter is nearly here"),
        ("preview_text", "Warm things, and one surprise"),
        ("from_email", SENDER),
        ("from_label", SHOP),
    ):
        case.equal(name, content.get(name), wanted)
    templates = case.made("template")
    case.equal("whose template it is", message.get("_template_id"), content.get("template_id"))
    case.expect(content.get("template_id") in templates, "the message has no new template")
    html = templates.get(str(content.get("template_id")), {}).get("html")
    case.expect("first_name" in str(html), "it greets nobody")
    members = state.linked("list.profiles", newsletter) - state.linked("list.profiles", vip)
    case.said("recipients", len(state.reached("email", members)))
    case.expect("Ada" in str(case.answer.data.get("rendered")), "nothing was rendered for Ada")
    allow_estimating(case, identifier)


# 10


def _check_paused(case: Case) -> None:
    flow = case.before.named("flow", "Welcome series")
    case.equal("the flow", case.after.records("flow")[flow]["status"], "draft")
    actions = {one for one, body in case.before.records("flow_action").items() if body["_flow_id"] == flow}
    case.allow("flow", flow)
    case.allow("flow_action", *actions)
    campaigns = {one for one, body in case.before.records("campaign").items() if "gift" in body["name"].lower()}
    tag, body = case.one("tag")
    case.equal("the tag", body.get("name"), "Q4")
    case.equal("what is tagged", case.links("tag.campaigns", tag), (campaigns, set()))
    case.said("tagged", {case.before.records("campaign")[one]["name"] for one in campaigns})


# 13


def _check_stopped(case: Case) -> None:
    (scheduled,) = [one for one, body in case.before.records("campaign").items() if body["status"] == "Scheduled"]
    case.equal("its status", case.after.records("campaign")[scheduled]["status"], "Draft")
    case.allow("campaign", scheduled)
    messages = [
        one for one, body in case.before.records("campaign_message").items() if body["_campaign_id"] == scheduled
    ]
    case.allow("campaign_message", *messages)
    case.allow("campaign_send_job", scheduled)
    case.said("campaign", case.before.records("campaign")[scheduled]["name"])


# 16


def _check_win_back(case: Case) -> None:
    state = case.after
    orders = state.named("metric", "Placed Order")
    segment, body = case.one("segment")
    says = str(body.get("definition"))
    case.expect(orders in says and "180" in says, f"the segment is not about orders and 180 days: {says[:300]}")
    bought = {event["_profile_id"] for event in case.before.events("Placed Order")}
    since = (datetime.now(UTC) - timedelta(days=180)).timestamp()
    lately = {event["_profile_id"] for event in case.before.events("Placed Order") if event["timestamp"] >= since}
    case.equal("who is in the segment", state.linked("segment.profiles", segment), bought - lately)
    flow, made = case.one("flow")
    case.equal("its status", made.get("status"), "draft")
    definition = made.get("definition", {})
    case.equal("what enters", [one.get("id") for one in definition.get("triggers", [])], [segment])
    actions = {
        str(action["definition"]["id"]): action["definition"]
        for action in case.made("flow_action").values()
        if action["_flow_id"] == flow
    }
    steps = _walked(actions, str(definition.get("entry_action_id")))
    kinds = [(step["type"], step["data"].get("value"), step["data"].get("unit")) for step in steps]
    case.equal(
        "its steps",
        kinds,
        [
            ("time-delay", 1, "days"),
            ("send-email", None, None),
            ("time-delay", 3, "days"),
            ("conditional-split", None, None),
            ("send-email", None, None),
        ],
    )
    split = next((step for step in steps if step["type"] == "conditional-split"), {})
    case.expect(
        orders in str(split) and "flow-start" in str(split), f"the split is not about orders since the start: {split}"
    )
    for step in (step for step in steps if step["type"] == "send-email"):
        message = step["data"]["message"]
        case.equal("its sender", (message.get("from_email"), message.get("from_label")), (SENDER, SHOP))
        case.equal("the status of a mail", step["data"].get("status"), "draft")
        case.expect(message.get("template_id") in state.records("template"), "a mail has no template")
    case.made("flow_message")
    case.made("template")
    case.links("segment.flow-triggers", segment)


def _walked(actions: dict[str, JSON], at: str) -> list[JSON]:
    """The steps in order; of a split that branch is followed which goes on."""
    steps: list[JSON] = []
    while (step := actions.get(at)) is not None and step not in steps:
        steps.append(step)
        links = step.get("links") or {}
        at = str(links.get("next") or links.get("next_if_false") or links.get("next_if_true"))
    return steps


TASKS = (
    Task(
        5,
        "Draft a campaign for Friday",
        "Draft an email campaign to the Newsletter, without our VIP customers. Subject 'Winter is nearly here', "
        "preview text 'Warm things, and one surprise', from our usual sender. It should go out on Friday {friday} at 9 "
        "in the morning in everybody's own time zone. Make a new template for it that greets people by their first "
        "name, and show me once how it looks for somebody called Ada. How many people will get it? Do not schedule or "
        "send anything yet.",
        _check_drafted,
        (14, 6),
        {"recipients": "how many people will get it", "rendered": "the text of the mail for Ada"},
        _friday,
    ),
    Task(
        10,
        "Pause the welcome, tag the gifts",
        "Two things: pause the flow that welcomes new subscribers until I tell you otherwise, I am sure. And give "
        "every campaign that has gift in its name the tag Q4.",
        _check_paused,
        (24, 9),
        {"tagged": "the names of the campaigns that you tagged"},
    ),
    Task(
        13,
        "Stop what is scheduled",
        "The campaign we have scheduled must not go out! Get it back to a draft so that I can still work on it.",
        _check_stopped,
        (7, 2),
        {"campaign": "its name"},
        must_not=(*MUST_NOT, "update_campaign"),
    ),
    Task(
        16,
        "A win-back flow",
        "Set up a win-back flow as a draft. It is entered by a new segment: people who have ordered at least once, but "
        "not in the last 180 days. Wait a day, send a first mail; wait three days, and whoever has not ordered since "
        "the start of the flow gets a second mail. Any template of ours will do for now, our usual sender. Nothing "
        "must go live.",
        _check_win_back,
        (18, 70),
    ),
)
