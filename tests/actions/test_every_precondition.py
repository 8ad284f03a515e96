"""Each rule that looks into the account: a call that meets it, one that does not, and that nothing was sent then."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.registry.precondition import Precondition
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call, preview_call
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]
SPECS = [*CATALOGUE]
ENGINE = Engine(Registry(SPECS))
LIVE = [(spec.name, number) for spec in SPECS for number, rule in enumerate(spec.preconditions) if rule.is_live]
READING = ("get_", "query_")
NOWHERE = "ZZZZZZ"
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
EMAIL = {"channel": "email", "subject": "Hello", "from_email": "shop@example.org", "from_label": "The Shop"}
ADA = {"email": "ada@example.org"}
SUBSCRIBED = {**ADA, "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}
UNSUBSCRIBED = {**ADA, "subscriptions": {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}}


class Shop:
    """A sandbox over HTTP, and what its requests were."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.before = max(
            (one["number"] for one in httpx2.get(f"{url}/_sandbox/requests", timeout=60).json()), default=0
        )
        self.endpoint = Endpoint(url, pace=False)
        self.accounts = OneAccount(open_account("shop", self.endpoint, api_key=API_KEY), self.endpoint)

    async def do(self, action: str, engine: Engine = ENGINE, /, **arguments: Any) -> JSON:
        return (await answer_call(engine, self.accounts, Call(action, arguments))).answer.data

    async def preview(self, action: str, engine: Engine = ENGINE, /, **arguments: Any) -> JSON:
        return (await preview_call(engine, self.accounts, Call(action, arguments))).answer.data

    async def first(self, action: str, **arguments: Any) -> str:
        return (await self.do(action, **arguments))["records"][0]["id"]

    def written(self) -> list[str]:
        """The operations that were asked for and are no reads, whatever became of them."""
        # The sandbox is shared by all tests of the file, and remembers the last requests alone.
        seen = httpx2.get(f"{self.url}/_sandbox/requests?after={self.before}", timeout=60).json()
        return [request["operation"] for request in seen if not request["operation"].startswith(READING)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(create_app(rate_limits=False, job_seconds=600)) as url:
        yield url


@pytest.fixture
async def shop(url: str) -> AsyncIterator[Shop]:
    made = Shop(url)
    yield made
    await made.endpoint.close()


async def campaign(shop: Shop, status: str, channel: str = "email") -> str:
    """The oldest, which no test has made."""
    found = await shop.do("get_campaigns", channel=channel, filter=f'equals(status,"{status}")', sort="created_at")
    return found["records"][0]["id"]


async def message(shop: Shop, status: str, channel: str = "email") -> str:
    return await shop.first("get_messages_for_campaign", id=await campaign(shop, status, channel))


async def draft(shop: Shop, **more: Any) -> str:
    """A new email to a list, without a template."""
    made = await shop.do(
        "create_campaign",
        **{
            "name": "A draft",
            "audiences": {"included": [await shop.first("get_lists")]},
            "messages": [EMAIL],
            **more,
        },
    )
    return made["record"]["id"]


async def in_use(shop: Shop) -> str:
    """A custom metric that a mapping uses."""
    made = await custom_metric(shop, "In use")
    await shop.do("update_mapped_metric", id="revenue", custom_metric_id=made)
    return made


async def form(shop: Shop, versions: int) -> str:
    """A new form, whose versions are an A/B test where there are several."""
    example = ENGINE.find("create_form").spec.examples[0].arguments
    definition = {**example["definition"], "versions": versions * example["definition"]["versions"]}
    text = json.dumps({**example, "definition": definition, "ab_test": versions > 1})
    made = await shop.do("create_form", **json.loads(text.replace("VbT4kM", await shop.first("get_lists"))))
    return made["record"]["id"]


async def custom_metric(shop: Shop, name: str) -> str:
    metric = await shop.first("get_metrics")
    definition = {"aggregation_method": "count", "metric_groups": [{"metric_id": metric}]}
    return (await shop.do("create_custom_metric", name=name, definition=definition))["record"]["id"]


async def template(shop: Shop, kind: str) -> str:
    found = await shop.do("get_templates", template_fields=["editor_type"], max_records=100)
    return next(record["id"] for record in found["records"] if record["editor_type"] == kind)


async def coupon_code(shop: Shop, status: str) -> str:
    coupons = (await shop.do("get_coupons"))["records"]
    codes = [
        code
        for coupon in coupons
        for code in (await shop.do("get_coupon_codes", coupon_id=coupon["id"], max_records=100))["records"]
    ]
    return next(code["id"] for code in codes if code["status"] == status)


Make = Callable[[Shop], Awaitable[JSON]]


def of(make: Callable[..., Awaitable[str]], *arguments: Any, **more: Any) -> Make:
    """Arguments with the id of something that is made or found, and what comes beside it."""

    async def made(shop: Shop) -> JSON:
        return {"id": await make(shop, *arguments), **more}

    return made


def plain(**arguments: Any) -> Make:
    async def made(_: Shop) -> JSON:
        return arguments

    return made


def within(name: str, make: Callable[..., Awaitable[str]], *arguments: Any, **more: Any) -> Make:
    async def made(shop: Shop) -> JSON:
        return {name: await make(shop, *arguments), **more}

    return made


async def a_list(shop: Shop) -> str:
    return await shop.first("get_lists")


async def a_list_with_her(shop: Shop) -> str:
    """Only who is on a list is unsubscribed from it."""
    made = await a_list(shop)
    added = await shop.do("add_profile_to_list", list_id=made, emails=[ADA["email"]], create_missing=True)
    assert "error" not in added
    return made


async def a_segment(shop: Shop) -> str:
    return await shop.first("get_segments")


async def a_person(shop: Shop, number: int = 0) -> str:
    return (await shop.do("get_profiles"))["records"][number]["id"]


async def ready(shop: Shop) -> str:
    """A draft that could be sent."""
    made = await draft(shop)
    (one,) = (await shop.do("get_messages_for_campaign", id=made))["records"]
    await shop.do("assign_template_to_campaign_message", id=one["id"], template_id=await template(shop, "CODE"))
    return made


async def to_nobody(shop: Shop) -> str:
    made = await draft(shop)
    await shop.do("update_campaign", id=made, audiences={"included": []})
    return made


async def merged(shop: Shop) -> JSON:
    return {"destination_profile_id": await a_person(shop), "source_profile_ids": [await a_person(shop, 1)]}


async def named(shop: Shop, action: str) -> JSON:
    return {"name": (await shop.do(action))["records"][0]["name"]}


def taken(action: str, **more: Any) -> Make:
    async def made(shop: Shop) -> JSON:
        return {**(await named(shop, action)), **more}

    return made


async def default_group(shop: Shop) -> str:
    return await shop.first("get_tag_groups", filter="equals(default,true)")


async def other_group(shop: Shop) -> str:
    return (await shop.do("create_tag_group", name="Another"))["record"]["id"]


async def metric_taken(shop: Shop) -> JSON:
    await custom_metric(shop, "Taken")
    return {"name": "Taken", "definition": await definition_of(shop)}


async def metric_free(shop: Shop) -> JSON:
    return {"name": "Not taken", "definition": await definition_of(shop)}


async def definition_of(shop: Shop) -> JSON:
    return {"aggregation_method": "count", "metric_groups": [{"metric_id": await shop.first("get_metrics")}]}


async def feed_taken(shop: Shop) -> JSON:
    made = {"name": "taken", "url": "https://example.org/feed.json", "request_method": "get", "content_type": "json"}
    await shop.do("create_web_feed", **made)
    return made


async def campaign_to(shop: Shop, included: str) -> JSON:
    return {
        "name": "To whom",
        "audiences": {"included": [included]},
        "messages": [EMAIL],
    }


async def campaign_to_list(shop: Shop) -> JSON:
    return await campaign_to(shop, await a_list(shop))


async def campaign_to_segment(shop: Shop) -> JSON:
    return {"id": await draft(shop), "audiences": {"included": [await a_segment(shop)]}}


async def campaign_to_nothing(shop: Shop) -> JSON:
    return await campaign_to(shop, NOWHERE)


async def campaign_without(shop: Shop) -> JSON:
    return {"id": await draft(shop), "audiences": {"excluded": [NOWHERE]}}


async def unmerged(shop: Shop) -> JSON:
    return {"destination_profile_id": NOBODY, "source_profile_ids": [await a_person(shop)]}


async def unmerging(shop: Shop) -> JSON:
    return {"destination_profile_id": await a_person(shop), "source_profile_ids": [NOBODY]}


async def one_text(shop: Shop) -> str:
    return await message(shop, "Draft", "sms")


async def an_image(shop: Shop) -> str:
    return await shop.first("get_images")


def a_part(kind: str) -> Callable[[Shop], Awaitable[str]]:
    """The first of the brand's parts of one kind."""

    async def found(shop: Shop) -> str:
        return await shop.first(f"get_{kind}s")

    return found


def for_emails(kind: str, part: Callable[[Shop], Awaitable[str]] | str) -> Make:
    async def made(shop: Shop) -> JSON:
        return {"id": COMPANY_ID, f"{kind}_id": part if isinstance(part, str) else await part(shop)}

    return made


def resubmitted(status: str) -> Make:
    """A registration for the first sender of this status."""

    async def made(shop: Shop) -> JSON:
        (example,) = ENGINE.registry["create_text_messaging_sender_registration"].spec.examples
        senders = (await shop.do("get_text_messaging_senders"))["records"]
        sender = next(record["id"] for record in senders if record["status"] == status)
        return {**example.arguments, "text_messaging_sender_id": sender}

    return made


async def logo_with_image(shop: Shop) -> JSON:
    return {"id": await shop.first("get_brand_logos"), "image_id": await an_image(shop)}


async def logo_without(shop: Shop) -> JSON:
    return {"id": await shop.first("get_brand_logos"), "image_id": "1"}


FEED = {"url": "https://example.org/feed.json", "request_method": "get", "content_type": "json"}
HTML = {"html": "<p>Hello</p>"}
BLOCKS = next(
    {"definition": example.arguments["definition"]}
    for example in ENGINE.registry["update_template"].spec.examples
    if "definition" in example.arguments
)


@dataclass(frozen=True)
class Case:
    """Arguments that meet a rule, those that do not, and what is then said."""

    meets: Make
    breaks: Make
    says: str


EXISTS = "exists in this account"
CASES: dict[tuple[str, str], list[Case]] = {
    ("send_campaign", "status"): [Case(of(ready), of(campaign, "Sent"), "status is 'Sent' and must be 'Draft'")],
    ("send_campaign", "audiences.included"): [Case(of(ready), of(to_nobody), "audiences.included is empty")],
    ("send_campaign", "related.template"): [Case(of(ready), of(draft), "related.template is empty")],
    ("update_campaign", "status"): [
        Case(of(campaign, "Draft", name="New"), of(campaign, "Sent", name="New"), "must be 'Draft' or 'Scheduled'")
    ],
    ("update_campaign", "all_found"): [Case(campaign_to_segment, campaign_without, "neither a list nor a segment")],
    ("create_campaign", "all_found"): [Case(campaign_to_list, campaign_to_nothing, "neither a list nor a segment")],
    ("refresh_campaign_recipient_estimation", "exists"): [Case(of(draft), plain(id=NOBODY), EXISTS)],
    ("refresh_campaign_recipient_estimation", "audiences.included"): [
        Case(of(draft), of(to_nobody), "audiences.included is empty")
    ],
    ("cancel_campaign_send", "status"): [
        Case(of(campaign, "Scheduled", action="revert"), of(campaign, "Sent", action="cancel"), "status is 'Sent'")
    ],
    ("update_campaign_message", "status"): [
        Case(
            of(message, "Draft", definition={"channel": "email", "content": {"subject": "New"}}),
            of(message, "Sent", definition={"channel": "email", "content": {"subject": "New"}}),
            "status is 'Sent'",
        )
    ],
    ("create_text_messaging_sender_registration", "status"): [
        Case(resubmitted("registration_failed"), resubmitted("active"), "status is 'approved' and must be 'rejected'")
    ],
    ("delete_tag_group", "default"): [Case(of(other_group), of(default_group), "default is True")],
    ("delete_coupon_code", "status"): [
        Case(of(coupon_code, "UNASSIGNED"), of(coupon_code, "ASSIGNED_TO_PROFILE"), "status is 'ASSIGNED_TO_PROFILE'")
    ],
    ("create_tag", "none_found"): [Case(plain(name="Not taken"), taken("get_tags"), "is taken by")],
    ("create_tag_group", "none_found"): [Case(plain(name="Not taken"), taken("get_tag_groups"), "is taken by")],
    ("create_custom_metric", "none_found"): [Case(metric_free, metric_taken, "is taken by")],
    ("delete_custom_metric", "none_found"): [
        Case(of(custom_metric, "Not in use"), of(in_use), 'in use by the mapped metric "revenue"')
    ],
    ("publish_form", "none_found"): [Case(of(form, 1), of(form, 2), "is an A/B test")],
    ("create_web_feed", "none_found"): [Case(plain(name="not_taken", **FEED), feed_taken, "is taken by")],
    ("create_brand_logo", "exists"): [Case(within("image_id", an_image), plain(image_id="1"), EXISTS)],
    ("update_brand_logo", "exists"): [Case(logo_with_image, logo_without, EXISTS)],
    ("update_brand_email_default", "exists"): [
        Case(for_emails(kind, a_part(kind)), for_emails(kind, "1"), EXISTS)
        for kind in ("brand_logo", "brand_button", "brand_social_group")
    ],
    ("merge_profiles", "exists"): [Case(merged, unmerged, EXISTS), Case(merged, unmerging, EXISTS)],
    ("bulk_suppress_profiles", "exists"): [
        Case(within("list_id", a_list), plain(list_id=NOWHERE), EXISTS),
        Case(within("segment_id", a_segment), plain(segment_id=NOWHERE), EXISTS),
    ],
    ("bulk_unsuppress_profiles", "exists"): [
        Case(within("list_id", a_list), plain(list_id=NOWHERE), EXISTS),
        Case(within("segment_id", a_segment), plain(segment_id=NOWHERE), EXISTS),
    ],
    ("bulk_unsubscribe_profiles", "exists"): [
        Case(
            within("list_id", a_list_with_her, profiles=[UNSUBSCRIBED]),
            plain(list_id=NOWHERE, profiles=[UNSUBSCRIBED]),
            EXISTS,
        )
    ],
    ("bulk_subscribe_profiles", "exists"): [
        Case(
            within("list_id", a_list, profiles=[SUBSCRIBED]),
            plain(list_id=NOWHERE, profiles=[SUBSCRIBED]),
            EXISTS,
        )
    ],
    ("update_template", "editor_type"): [
        Case(of(template, "CODE", **HTML), of(template, "SYSTEM_DRAGGABLE", **HTML), "editor_type is"),
        Case(of(template, "SYSTEM_DRAGGABLE", **BLOCKS), of(template, "CODE", **BLOCKS), "editor_type is"),
    ],
    ("add_profile_to_list", "exists"): [
        Case(
            within("list_id", a_list, emails=["ada@example.org"]),
            plain(list_id=NOWHERE, emails=["ada@example.org"]),
            EXISTS,
        )
    ],
    ("remove_profile_from_list", "exists"): [
        Case(
            within("list_id", a_list, emails=["ada@example.org"]),
            plain(list_id=NOWHERE, emails=["ada@example.org"]),
            EXISTS,
        )
    ],
    ("add_profiles_to_list", "exists"): [
        Case(of(a_list, profile_ids=[NOBODY]), plain(id=NOWHERE, profile_ids=[NOBODY]), EXISTS)
    ],
    ("remove_profiles_from_list", "exists"): [
        Case(of(a_list, profile_ids=[NOBODY]), plain(id=NOWHERE, profile_ids=[NOBODY]), EXISTS)
    ],
    ("update_list", "exists"): [Case(of(a_list, name="New"), plain(id=NOWHERE, name="New"), EXISTS)],
    ("delete_list", "exists"): [Case(of(a_list), plain(id=NOWHERE), EXISTS)],
}


def for_message(action: str, **more: Any) -> None:
    meets = message if action.startswith("assign") else one_text
    arguments = ("Draft",) if action.startswith("assign") else ()
    CASES[action, "status"] = [Case(with_part(meets, *arguments, **more), with_part(message, "Sent", **more), "'Sent'")]


def with_part(make: Callable[..., Awaitable[str]], *arguments: Any, **parts: Callable[[Shop], Awaitable[str]]) -> Make:
    async def made(shop: Shop) -> JSON:
        return {
            "id": await make(shop, *arguments),
            **{name: await part(shop) for name, part in parts.items()},
        }

    return made


async def html_template(shop: Shop) -> str:
    return await template(shop, "CODE")


for_message("assign_template_to_campaign_message", template_id=html_template)
for_message("update_image_for_campaign_message", image_id=an_image)
CASES["assign_template_to_campaign_message", "definition.channel"] = [
    Case(
        with_part(message, "Draft", template_id=html_template),
        with_part(one_text, template_id=html_template),
        "definition.channel is 'sms' and must be 'email'",
    )
]
CASES["update_image_for_campaign_message", "definition.channel"] = [
    Case(
        with_part(one_text, image_id=an_image),
        with_part(message, "Draft", image_id=an_image),
        "definition.channel is 'email'",
    )
]


async def message_of(shop: Shop, make: Callable[[Shop], Awaitable[str]]) -> str:
    return await shop.first("get_campaign_messages", campaign_id=await make(shop))


async def with_content(shop: Shop, **details: str) -> str:
    """A message of a new campaign with one variation."""
    made = await draft(shop)
    audience = await shop.first("get_campaign_audiences_for_campaign", id=made)
    variation = {"definition": {"details": details}}
    of_campaign = {"campaign_id": made, "campaign_audience_id": audience}
    message = await shop.do("create_campaign_message", **of_campaign, definition={}, variations=[variation])
    return message["record"]["id"]


AT_NINE = {"strategy": "static", "send_time": "2090-12-01T09:00:00Z"}


def one_by_itself(make: Callable[..., Awaitable[str]], *arguments: Any, **more: Any) -> Make:
    return within("campaign_message_id", lambda shop: make(shop, *arguments, **more), **AT_NINE)


def all_of_it(make: Callable[..., Awaitable[str]], *arguments: Any, **more: Any) -> Make:
    async def made(shop: Shop) -> JSON:
        message = await make(shop, *arguments, **more)
        campaign = await shop.do("get_campaign_id_for_campaign_message", id=message)
        return {"campaign_id": campaign["ids"][0], "message_schedules": [{"message_id": message, **AT_NINE}]}

    return made


async def in_a_template(shop: Shop, **details: str) -> str:
    return await with_content(shop, channel="email", template_id=await html_template(shop), **details)


async def scheduled(shop: Shop) -> str:
    made = await message_of(shop, ready)
    assert "error" not in await shop.do("schedule_campaign_message", campaign_message_id=made, **AT_NINE)
    return made


def aimed(**more: Any) -> Make:
    """A message for a campaign's audience; with an audience that is given, for that one."""

    async def made(shop: Shop) -> JSON:
        campaign = await draft(shop)
        own = await shop.first("get_campaign_audiences_for_campaign", id=campaign)
        return {"campaign_id": campaign, "campaign_audience_id": own, "definition": {"name": "Reminder"}, **more}

    return made


def reaching(make: Make, *included: str) -> Make:
    async def made(shop: Shop) -> JSON:
        return {**(await make(shop)), "definition": {"included": [*included] or [await a_list(shop)]}}

    return made


async def an_audience(shop: Shop) -> str:
    return await shop.first("get_campaign_audiences_for_campaign", id=await draft(shop))


for action, a_campaign in (
    ("create_campaign_audience", within("campaign_id", draft)),
    ("update_campaign_audience", of(an_audience)),
):
    CASES[action, "all_found"] = [Case(reaching(a_campaign), reaching(a_campaign, NOWHERE), "neither a list")]
CASES["create_campaign_message", "all_found"] = [
    Case(aimed(), aimed(campaign_audience_id=NOBODY), "is no audience of this campaign")
]
for action, scheduling in (("schedule_campaign", all_of_it), ("schedule_campaign_message", one_by_itself)):
    for path, lacking in (
        ("template_id", scheduling(with_content, channel="email", subject="Hello")),
        ("subject", scheduling(in_a_template)),
        ("body", scheduling(with_content, channel="sms")),
    ):
        CASES[action, f"definition.details.{path}"] = [
            Case(scheduling(message_of, ready), lacking, f"definition.details.{path} is empty")
        ]
CASES["schedule_campaign", "all_found"] = [
    Case(all_of_it(message_of, ready), all_of_it(scheduled), "is no draft message of this campaign")
]
CASES["schedule_campaign_message", "definition.status"] = [
    Case(one_by_itself(message_of, ready), one_by_itself(scheduled), "'scheduled' and must be 'draft'")
]
CASES["update_campaign_message_schedule", "definition.status"] = [
    Case(of(scheduled, action="revert"), of(message_of, ready, action="revert"), "definition.status is 'draft'")
]


def key_of(rule: Precondition) -> str:
    return rule.state.path if rule.state else rule.kind


def cases() -> Iterator[tuple[str, Case]]:
    for (action, _), found in CASES.items():
        yield from ((action, case) for case in found)


def test_each_rule_that_looks_into_the_account_has_a_case() -> None:
    """Rules that count are tried below, each with a limit that is reached; those that warn, in test_live_rules."""
    wanted: dict[tuple[str, str], int] = {}
    for name, number in LIVE:
        rule = ENGINE.registry[name].spec.preconditions[number]
        if rule.count is None and not rule.warns:
            wanted[name, key_of(rule)] = wanted.get((name, key_of(rule)), 0) + 1
    assert {key: len(found) for key, found in CASES.items()} == wanted


@pytest.mark.parametrize(("action", "case"), list(cases()), ids=lambda value: value if isinstance(value, str) else "")
async def test_a_rule_lets_through_what_meets_it_and_refuses_what_does_not(shop: Shop, action: str, case: Case) -> None:
    met = await shop.preview(action, **await case.meets(shop))
    assert "error" not in met
    assert "not_known" not in met or not any("beforehand" in text for text in met["not_known"])
    arguments = await case.breaks(shop)
    before = shop.written()
    refused = (await shop.do(action, **arguments))["error"]
    assert refused["code"] == "precondition_failed"
    assert case.says in str(refused["problems"])
    assert "Nothing was changed" in refused["outcome"] or "Nothing was sent" in refused["outcome"]
    assert shop.written() == before


COUNTED = [(name, number) for name, number in LIVE if ENGINE.registry[name].spec.preconditions[number].count]


def with_limit(name: str, number: int, most: int) -> Engine:
    """The actions, with another limit in one of their rules."""
    changed = []
    for spec in SPECS:
        if spec.name == name:
            rules = list(spec.preconditions)
            count = rules[number].count
            assert count is not None
            rules[number] = rules[number].model_copy(update={"count": count.model_copy(update={"at_most": most})})
            spec = spec.model_copy(update={"preconditions": rules})
        changed.append(spec)
    return Engine(Registry(changed))


@pytest.mark.parametrize(("name", "number"), COUNTED)
async def test_a_count_lets_through_while_there_is_room_and_refuses_when_there_is_none(
    shop: Shop, name: str, number: int
) -> None:
    rule = ENGINE.registry[name].spec.preconditions[number]
    examples = [example.arguments for example in ENGINE.registry[name].spec.examples]
    arguments = next(one for one in examples if all(place in one for place in rule.given))
    if name == "create_custom_metric":
        arguments = await metric_free(shop)
    assert "error" not in await shop.preview(name, **arguments)
    before = shop.written()
    refused = (await shop.do(name, with_limit(name, number, 0), **arguments))["error"]
    assert refused["code"] == "precondition_failed"
    assert "and at most 0 may be" in str(refused["problems"])
    assert shop.written() == before


async def test_a_limit_of_the_account_is_found_where_klaviyo_has_it(shop: Shop) -> None:
    topics = [(await shop.do("get_webhook_topics"))["records"][0]["id"]]
    made = {
        "endpoint_url": "https://example.org/hook",
        "secret_key": "sixteen-or-more-characters",
        "webhook_topic_ids": topics,
    }
    added: list[str] = []
    while len((await shop.do("get_webhooks"))["records"]) < 10:
        added.append((await shop.do("create_webhook", name="One more", **made))["record"]["id"])
    before = shop.written()
    refused = (await shop.do("create_webhook", name="One too many", **made))["error"]
    assert "there are 10 webhooks already, and at most 10 may be" in str(refused["problems"])
    assert shop.written() == before
    for one in added:  # other tests need room for theirs
        assert "error" not in await shop.do("delete_webhook", id=one)
