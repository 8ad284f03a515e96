"""A name in place of an id: found exactly, told, and never guessed; what is destroyed is named by its id alone."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.candidates import FINDERS
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.actions.settled import name_in
from klaviyo_mcp.answers.shape import shape
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, create_app

UNSUBSCRIBED = {
    "email": "ada@example.org",
    "subscriptions": {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}},
}


class Watched(httpx2.ASGITransport):
    """The sandbox, and the methods and paths that were asked of it; `down` paths do not answer."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False))
        self.seen: list[str] = []
        self.down: set[str] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        if request.url.path in self.down:
            raise httpx2.ConnectError("down", request=request)
        return await super().handle_async_request(request)


@pytest.fixture
def shop() -> Watched:
    return Watched()


@pytest.fixture
def account(shop: Watched) -> Account:
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)


Ids = Callable[..., Any]


@pytest.fixture
def id_of(engine: Engine, account: Account) -> Ids:
    """The id of what bears a name, as a read with some arguments shows it."""

    async def find(action: str, name: str, /, **arguments: Any) -> str:
        records = (await engine.run(Call(action, {"max_records": 200, **arguments}), account)).records
        (found,) = [record["id"] for record in records if record["name"] == name]
        return found

    return find


async def refused(engine: Engine, account: Account, action: str, **arguments: Any) -> InvalidArguments:
    with pytest.raises(InvalidArguments) as error:
        await engine.planned(Call(action, arguments), account)
    return error.value


def campaign(*audiences: str) -> dict[str, Any]:
    message = {"channel": "email", "subject": "Sale", "from_email": "shop@example.org", "from_label": "Shop"}
    return {"name": "Sale", "audiences": {"included": list(audiences)}, "messages": [message]}


def lines(error: InvalidArguments) -> list[str]:
    return [str(problem) for problem in error.problems]


@pytest.mark.parametrize(
    "written", ["name:VIP customers", "name: VIP customers", " Name:vip  CUSTOMERS ", "name:vip customers"]
)
async def test_a_name_stands_for_the_id_whatever_its_case_and_spaces(
    engine: Engine, account: Account, id_of: Ids, written: str
) -> None:
    known = await id_of("get_lists", "VIP customers")
    outcome = await engine.run(Call("get_list", {"id": written}), account)
    assert [record["id"] for record in outcome.records] == [known]
    assert outcome.understood.read_as == {"id": f"{known} (VIP customers)"}


async def test_names_stand_in_lists_of_ids(engine: Engine, account: Account, shop: Watched, id_of: Ids) -> None:
    vip, spenders = await id_of("get_lists", "VIP customers"), await id_of("get_segments", "Big spenders")
    (tag,) = (await engine.run(Call("create_tag", {"name": "Seasonal"}), account)).records
    shop.seen.clear()
    plan = await engine.planned(Call("tag_lists", {"id": "name:seasonal", "list_ids": ["name:VIP customers"]}), account)
    assert plan.arguments["id"] == tag["id"]
    assert plan.arguments["list_ids"] == [vip]
    assert plan.understood.read_as == {"id": f"{tag['id']} (Seasonal)", "list_ids[0]": f"{vip} (VIP customers)"}
    plan = await engine.planned(Call("tag_lists", {"id": tag["id"], "list_ids": "name:VIP customers"}), account)
    assert plan.arguments["list_ids"] == [vip]
    plan = await engine.planned(Call("create_campaign", campaign("name:VIP customers", "name:Big spenders")), account)
    assert plan.arguments["audiences"] == {"included": [vip, spenders]}
    assert all(seen.startswith("GET") for seen in shop.seen)


async def test_names_stand_in_filters_written_either_way(engine: Engine, account: Account, id_of: Ids) -> None:
    metric = await id_of("get_metrics", "Placed Order")
    for condition in (
        [{"field": "metric_id", "operator": "equals", "value": "name:Placed Order"}],
        'equals(metric_id,"name:Placed Order")',
        {"metric_id": "name:placed order"},
    ):
        outcome = await engine.run(Call("get_events", {"filter": condition}), account)
        assert outcome.records
        assert outcome.arguments["filter"] == f'equals(metric_id,"{metric}")'
        assert f"{metric} (Placed Order)" in outcome.understood.read_as.values()
    flow = await id_of("get_flows", "Welcome series")
    other = await id_of("get_flows", "Abandoned cart")
    report = {
        "statistics": ["recipients"],
        "timeframe": {"key": "last_30_days"},
        "filter": [
            {"field": "flow_id", "operator": "contains-any", "value": ["name:Welcome series", "name:Abandoned cart"]}
        ],
    }
    plan = await engine.planned(Call("query_flow_values", report), account)
    assert plan.arguments["filter"] == f'contains-any(flow_id,["{flow}","{other}"])'
    assert plan.understood.read_as["filter[0]"] == f"{flow} (Welcome series), {other} (Abandoned cart)"


async def test_names_stand_inside_definitions(engine: Engine, account: Account, id_of: Ids) -> None:
    vip, metric = await id_of("get_lists", "VIP customers"), await id_of("get_metrics", "Placed Order")
    conditions = [
        {"type": "profile-group-membership", "is_member": True, "group_ids": ["name:VIP customers"]},
        {
            "type": "profile-metric",
            "metric_id": "name:Placed Order",
            "measurement": "count",
            "measurement_filter": {"type": "numeric", "operator": "greater-than", "value": 0},
            "timeframe_filter": {"type": "date", "operator": "alltime"},
        },
    ]
    definition = {"condition_groups": [{"conditions": [condition]} for condition in conditions]}
    plan = await engine.planned(Call("create_segment", {"name": "S", "definition": definition}), account)
    member, bought = (group["conditions"][0] for group in plan.arguments["definition"]["condition_groups"])
    assert (member["group_ids"], bought["metric_id"]) == ([vip], metric)
    assert plan.understood.read_as == {
        "definition.condition_groups[0].conditions[0].group_ids[0]": f"{vip} (VIP customers)",
        "definition.condition_groups[1].conditions[0].metric_id": f"{metric} (Placed Order)",
    }


async def test_a_person_is_named_by_an_email_address(engine: Engine, account: Account) -> None:
    (someone, *_) = (await engine.run(Call("get_profiles", {"page_size": 1}), account)).records
    for written in (f"email:{someone['email']}", f"name: {someone['email'].upper()}"):
        outcome = await engine.run(Call("get_profile", {"id": written}), account)
        assert [record["id"] for record in outcome.records] == [someone["id"]]
    (line,) = lines(await refused(engine, account, "get_profile", id="name:Ada Lovelace"))
    assert line.endswith("stands for a profile, who is found by e-mail address alone. Give the address or the id.")
    (line,) = lines(await refused(engine, account, "get_list", id="email:ada@example.org"))
    assert "is not a list id" in line


async def test_the_parts_of_a_composite_take_names(engine: Engine, account: Account, id_of: Ids) -> None:
    vip = await id_of("get_lists", "VIP customers")
    (someone, *_) = (await engine.run(Call("get_profiles", {"page_size": 1}), account)).records
    for people in ({"profile_ids": [f"email:{someone['email']}"]}, {"emails": [someone["email"]]}):
        call = Call("add_profile_to_list", {"list_id": "name:VIP customers", **people})
        outcome = await engine.run(call, account)
        assert outcome.composed is not None
        assert (outcome.composed["list_id"], outcome.composed["profile_ids"]) == (vip, [someone["id"]])
        assert outcome.understood.read_as["list_id"] == f"{vip} (VIP customers)"


async def test_an_action_that_picks_another_takes_the_names_of_that(
    engine: Engine, account: Account, id_of: Ids
) -> None:
    vip = await id_of("get_lists", "VIP customers")
    (tag,) = (await engine.run(Call("create_tag", {"name": "Seasonal"}), account)).records
    arguments = {"id": "name:Seasonal", "related": "lists", "ids": ["name:VIP customers"]}
    plan = await engine.planned(Call("create_tag_relationships", arguments), account)
    assert (plan.arguments["id"], plan.arguments["ids"]) == (tag["id"], [vip])
    outcome = await engine.carry_out(plan, account)
    assert outcome.understood.read_as == {"id": f"{tag['id']} (Seasonal)", "ids[0]": f"{vip} (VIP customers)"}
    assert outcome.undo["arguments"] == {"id": tag["id"], "related": "lists", "ids": [vip]}


NAMED: dict[str, tuple[str, str]] = {
    "list-id": ("get_lists", "get_list"),
    "segment-id": ("get_segments", "get_segment"),
    "template-id": ("get_templates", "get_template"),
    "flow-id": ("get_flows", "get_flow"),
    "form-id": ("get_forms", "get_form"),
    "tag-id": ("get_tags", "get_tag"),
    "tag-group-id": ("get_tag_groups", "get_tag_group"),
    "image-id": ("get_images", "get_image"),
    "web-feed-id": ("get_web_feeds", "get_web_feed"),
    "brand-logo-id": ("get_brand_logos", "get_brand_logo"),
    "brand-button-id": ("get_brand_buttons", "get_brand_button"),
    "brand-color-id": ("get_brand_colors", "get_brand_color"),
    "brand-social-group-id": ("get_brand_social_groups", "get_brand_social_group"),
    "metric-id": ("get_metrics", "get_metric"),
    "custom-metric-id": ("get_custom_metrics", "get_custom_metric"),
    "universal-content-id": ("get_all_universal_content", "get_universal_content"),
}


@pytest.mark.parametrize("kind", NAMED)
async def test_whatever_has_a_name_is_found_by_it(engine: Engine, account: Account, kind: str) -> None:
    listing, reading = NAMED[kind]
    records = (await engine.run(Call(listing), account)).records
    names = [" ".join(record["name"].split()) for record in records]
    (name, known), *_ = [
        (name, record["id"]) for name, record in zip(names, records, strict=True) if names.count(name) == 1
    ]
    outcome = await engine.run(Call(reading, {"id": f"name:{name}"}), account)
    assert [record["id"] for record in outcome.records] == [known]


async def test_a_webhook_is_found_by_its_name(engine: Engine, account: Account, registry: Registry) -> None:
    example = registry["create_webhook"].spec.examples[0].arguments
    (made,) = (await engine.run(Call("create_webhook", example), account)).records
    plan = await engine.planned(Call("get_webhook", {"id": f"name:{made['name']}"}), account)
    assert plan.arguments["id"] == made["id"]


async def test_one_name_is_looked_up_once(engine: Engine, account: Account, shop: Watched, id_of: Ids) -> None:
    vip = await id_of("get_lists", "VIP customers")
    shop.seen.clear()
    condition = {"type": "profile-group-membership", "is_member": True, "group_ids": ["name:VIP customers"]}
    definition = {"condition_groups": [{"conditions": [condition]}, {"conditions": [condition]}]}
    plan = await engine.planned(Call("create_segment", {"name": "S", "definition": definition}), account)
    assert list(plan.understood.read_as.values()) == [f"{vip} (VIP customers)"] * 2
    assert len(shop.seen) <= 2


async def test_of_several_none_is_taken(engine: Engine, account: Account, shop: Watched) -> None:
    for _ in range(2):
        await engine.run(Call("create_list", {"name": "Twins"}), account)
    shop.seen.clear()
    error = await refused(engine, account, "get_list", id="name:Twins")
    (line,) = lines(error)
    assert 'id: "name:Twins" stands for a list, and 2 have that name. Give the id of one: ' in line
    assert line.count("(Twins)") == 2
    assert error.looked
    assert set(shop.seen) == {"GET /api/lists"}


async def test_what_is_written_exactly_comes_before_what_differs_in_case(engine: Engine, account: Account) -> None:
    made = {}
    for name in ("spring", "SPRING"):
        (made[name],) = (await engine.run(Call("create_list", {"name": name}), account)).records
    for name, record in made.items():
        plan = await engine.planned(Call("get_list", {"id": f"name:{name}"}), account)
        assert plan.arguments["id"] == record["id"]
    (line,) = lines(await refused(engine, account, "get_list", id="name:Spring"))
    assert "and 2 have that name" in line
    assert "(spring)" in line
    assert "(SPRING)" in line


async def test_a_name_that_is_none_is_answered_with_those_near_it(
    engine: Engine, account: Account, shop: Watched, id_of: Ids
) -> None:
    vip = await id_of("get_lists", "VIP customers")
    shop.seen.clear()
    (line,) = lines(await refused(engine, account, "get_list", id="name:VIP costumers"))
    assert f'"name:VIP costumers" stands for a list, and none has that name. Near it: {vip} (VIP customers)' in line
    assert set(shop.seen) == {"GET /api/lists"}
    (line,) = lines(await refused(engine, account, "get_list", id="name:Zzzzzz"))
    assert line.endswith("and none has that name. get_lists lists what there is.")


async def test_where_more_lists_are_than_are_looked_through_the_error_says_so(engine: Engine) -> None:
    pages: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        pages.append(str(request.url))
        found = (
            []
            if "filter" in request.url.params
            else [
                {"type": "list", "id": f"L{len(pages):02}{one:03}", "attributes": {"name": f"List {len(pages)} {one}"}}
                for one in range(60)
            ]
        )
        following = f"http://sandbox/api/lists?page%5Bcursor%5D=page{len(pages)}" if found else None
        document = {"data": found, "links": {"next": following}}
        return httpx2.Response(200, json=document, headers={"content-type": "application/vnd.api+json"})

    endpoint = Endpoint("http://sandbox", HttpPool(httpx2.MockTransport(answer)), pace=False)
    account = open_account("sandbox", endpoint, api_key=API_KEY)
    (line,) = lines(await refused(engine, account, "get_list", id="name:Zzzzzz"))
    assert "and none has that name, of those that were looked through" in line
    assert len(pages) == 3


async def test_a_list_and_a_segment_of_one_name_are_told_apart(engine: Engine, account: Account) -> None:
    await engine.run(Call("create_list", {"name": "Big spenders"}), account)
    (line,) = lines(await refused(engine, account, "create_campaign", **campaign("name:Big spenders")))
    assert "(Big spenders, list)" in line
    assert "(Big spenders, segment)" in line


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_campaigns_of_any_channel_have_names(engine: Engine, account: Account, channel: str) -> None:
    records = (await engine.run(Call("get_campaigns", {"channel": channel, "max_records": 200}), account)).records
    names = [record["name"] for record in records]
    known = next(record for record in records if names.count(record["name"]) == 1)
    plan = await engine.planned(Call("get_campaign", {"id": f"name:{known['name']}"}), account)
    assert plan.arguments["id"] == known["id"]


def test_campaigns_are_looked_for_in_every_channel(registry: Registry) -> None:
    channels = registry["get_campaigns"].spec.properties["channel"]["enum"]
    assert [finder.beside["channel"] for finder in FINDERS["campaign-id"]] == channels


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("delete_list", {"id": "name:VIP customers"}),
        ("bulk_unsubscribe_profiles", {"list_id": "name:VIP customers", "profiles": [UNSUBSCRIBED]}),
    ],
)
async def test_what_a_destructive_action_is_done_to_is_answered_with_its_id(
    engine: Engine, account: Account, shop: Watched, id_of: Ids, action: str, arguments: dict[str, Any]
) -> None:
    known = await id_of("get_lists", "VIP customers")
    shop.seen.clear()
    error = await refused(engine, account, action, **arguments)
    (line,) = lines(error)
    assert f"it is {known} (VIP customers). Give {known} if it is meant." in line
    assert "call again with the id" in error.advice
    assert set(shop.seen) == {"GET /api/lists"}


async def test_a_call_that_is_destructive_by_its_arguments_takes_no_names(
    engine: Engine, account: Account, id_of: Ids
) -> None:
    vip = await id_of("get_lists", "VIP customers")
    many = [f"01JCW4R8P3M7V1X5Z9C2F6{number:04}" for number in range(101)]
    (line,) = lines(await refused(engine, account, "add_profiles_to_list", id="name:VIP customers", profile_ids=many))
    assert f"it is {vip} (VIP customers)" in line
    few = {"id": "name:VIP customers", "profile_ids": many[:2]}
    plan = await engine.planned(Call("add_profiles_to_list", few), account)
    assert plan.arguments["id"] == vip


async def test_other_mistakes_are_told_and_what_is_named_right_is_none(engine: Engine, account: Account) -> None:
    error = await refused(engine, account, "update_list", id="name:VIP customers", naem="x")
    assert {problem.argument for problem in error.problems} == {"naem"}


async def test_a_look_that_fails_is_told(engine: Engine, account: Account, shop: Watched) -> None:
    shop.down.add("/api/lists")
    (line,) = lines(await refused(engine, account, "get_list", id="name:VIP customers"))
    assert 'id: "name:VIP customers" stands for a list, which could not be looked up (' in line


async def test_more_names_than_are_looked_up_are_refused_unread(
    engine: Engine, account: Account, shop: Watched
) -> None:
    names = [f"name:List {number}" for number in range(12)]
    tag = "7b0d6d0e-3c1f-4f4a-9a55-0d9a6f6b2c11"
    (line,) = lines(await refused(engine, account, "tag_lists", id=tag, list_ids=names))
    assert "names more than 10 things" in line
    assert shop.seen == []


async def test_what_has_no_name_says_so(engine: Engine, account: Account, shop: Watched) -> None:
    (line,) = lines(await refused(engine, account, "get_event", id="name:Placed Order"))
    assert "stands for an event, which cannot be found by a name. Give the id" in line
    assert shop.seen == []


def test_without_an_account_the_error_says_that_there_is_nowhere_to_look(engine: Engine) -> None:
    with pytest.raises(InvalidArguments) as error:
        engine.plan(Call("get_list", {"id": "name:VIP customers"}))
    (line,) = lines(error.value)
    assert line.startswith('id: "name:VIP customers" names a list, and there is no account to look in.')


async def test_an_error_about_an_id_says_that_a_name_may_stand_for_it(engine: Engine, account: Account) -> None:
    (line,) = lines(await refused(engine, account, "get_list", id="no such list at all"))
    assert line.endswith("Its name may stand here as name:….")


async def test_a_cursor_goes_on_with_what_was_named(engine: Engine, account: Account) -> None:
    asked = {"filter": {"metric_id": "name:Placed Order"}, "page_size": 2, "max_records": 2}
    first = shape(await engine.run(Call("get_events", asked), account), 40_000).data
    again = {"cursor": first["next_cursor"], "filter": {"metric_id": "name:Placed Order"}}
    more = await engine.run(Call("get_events", again), account)
    alone = await engine.run(Call("get_events", {"cursor": first["next_cursor"]}), account)
    assert more.records == alone.records != first["records"]


async def test_a_thing_whose_name_begins_like_that_is_named_with_it(engine: Engine, account: Account) -> None:
    (made,) = (await engine.run(Call("create_list", {"name": "name:odd"}), account)).records
    plan = await engine.planned(Call("get_list", {"id": "name:name:odd"}), account)
    assert plan.arguments["id"] == made["id"]


def test_every_form_says_whether_it_can_be_named() -> None:
    assert {kind for kind, form in ID_FORMS.items() if form.named} == set(FINDERS)
    assert not any(name_in((kind, form.example)) for kind, form in ID_FORMS.items())
