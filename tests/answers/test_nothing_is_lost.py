"""An answer is whole or says where it goes on: every read is walked by its cursors, at several budgets and sizes."""

import json
import re
from typing import Any

import httpx2
import pytest
from tests.catalogue import REGISTRY

from klaviyo_mcp.accounts.account import Account, OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.answers.budget import size_of
from klaviyo_mcp.answers.text import answer_text
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.runtime.answering import Response, answer_call
from klaviyo_sandbox import API_KEY, COMPANY_ID, OTHER_API_KEY, create_app

ENGINE = Engine(REGISTRY)
PAGED = [action.name for action in REGISTRY.actions if action.spec.result.paged]
LISTED = [
    action.name
    for action in REGISTRY.actions
    if action.spec.effect == "read"
    and (action.spec.result.rows or action.spec.result.kind in ("collection", "identifiers"))
]


class Shop:
    """One sandbox and an account of it, and what was asked of it."""

    def __init__(self, key: str = API_KEY, app: Any = None, name: str = "shop") -> None:
        self.app = app or create_app(rate_limits=False, profiles=60)
        self.endpoint = Endpoint("http://sandbox", HttpPool(httpx2.ASGITransport(app=self.app)), pace=False)
        self.account: Account = open_account(name, self.endpoint, api_key=key, company_id=COMPANY_ID)

    async def answer(self, action: str, arguments: dict[str, Any], budget: int = 40_000) -> Response:
        accounts = OneAccount(self.account, self.endpoint)
        return await answer_call(ENGINE, accounts, Call(action, arguments), budget=budget)

    async def read(self, action: str, arguments: dict[str, Any], budget: int = 40_000) -> dict[str, Any]:
        response = await self.answer(action, arguments, budget)
        assert not response.is_error, response.answer.data
        data = response.answer.data
        text = answer_text(response.answer)
        if rows := REGISTRY[action].spec.result.rows:
            assert f"record.{rows}:" not in text or _length(text, rows) == data["count"], "text tells of other rows"
        else:
            assert _told(text) == _values(action, data), "text tells of other records"
        assert data["count"] == len(_values(action, data))
        assert len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) <= budget or data["count"] <= 1
        assert ("more with next_cursor" in response.answer.summary) == ("next_cursor" in data)
        return data

    async def walk(self, action: str, arguments: dict[str, Any], budget: int = 40_000) -> list[Any]:
        """Everything that the answers show, by following next_cursor, sent alone."""
        found: list[Any] = []
        asked = dict(arguments)
        for _ in range(2_000):
            data = await self.read(action, asked, budget)
            found += _values(action, data)
            if "next_cursor" not in data:
                return found
            asked = {"cursor": data["next_cursor"]}
        raise AssertionError("the cursors do not end")


def _values(action: str, data: dict[str, Any]) -> list[Any]:
    rows = REGISTRY[action].spec.result.rows
    if rows:
        return data["record"][rows]
    return data["ids"] if "ids" in data else [record["id"] for record in data.get("records", [])]


def _length(text: str, rows: str) -> int:
    """How many rows of a report a text shows: the lines behind the names of their columns."""
    table = text.split("\n")
    table = table[table.index(f"record.{rows}:") + 2 :]
    return next((at for at, line in enumerate(table) if AFTER.match(line)), len(table))


def _told(text: str) -> list[Any]:
    """The ids that the text of an answer shows: of its table, or in its JSON."""
    lines = text.split("\n")
    if (head := next((line for line in lines if re.match(r"(type\|)?id(\||$)", line)), None)) is None:
        return json.loads(lines[-1]).get("ids", [])
    column = head.split("|").index("id")
    table = lines[lines.index(head) + 1 :]
    after = next((at for at, line in enumerate(table) if AFTER.match(line)), len(table))
    return [line.split("|")[column] for line in table[:after]]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


AFTER = re.compile(
    "(included|fields_left_out|note|notes|warnings|quota|meta|kept|covers|read_as|cut|klaviyo_hints):( |$)"
)
"""How the lines behind a table begin."""
WAYS = {
    "campaign-messages": ["get_campaigns", "get_messages_for_campaign"],
    "coupon-codes": ["get_coupons", "get_coupon_codes"],
    "flow-actions": ["get_flows", "get_actions_for_flow"],
    "flow-messages": ["get_flows", "get_actions_for_flow", "get_flow_action_messages"],
    "form-versions": ["get_forms", "get_versions_for_form"],
    "metric-properties": ["get_metrics", "get_properties_for_metric"],
}
"""How to come to things that no action lists by themselves."""
OF_ANOTHER = {
    "get_campaigns": lambda _: {"channel": "email"},
    "get_coupon_codes": lambda id: {"filter": [{"field": "coupon.id", "operator": "equals", "value": id}]},
}


async def _ids(shop: Shop, way: list[str]) -> list[str]:
    """The ids that a way leads to."""
    found = [""]
    for action in way:
        asked = OF_ANOTHER.get(action, lambda id: {"id": id} if id else {})
        answers = [await shop.answer(action, asked(one)) for one in found[:40]]
        found = [record["id"] for answer in answers for record in answer.answer.data.get("records", [])]
    return found


async def _arguments(shop: Shop, action: str) -> dict[str, Any] | None:
    """Arguments with which an action finds something here, None when it does not."""
    spec = REGISTRY[action].spec
    metrics = (await shop.answer("get_metrics", {})).answer.data["records"]
    ordered = next(metric["id"] for metric in metrics if metric["name"] == "Placed Order")
    for example in spec.examples:
        arguments = {name: value for name, value in example.arguments.items() if name not in ("cursor", "max_records")}
        arguments |= {name: ordered for name in ("metric_id", "conversion_metric_id") if name in arguments}
        response = await shop.answer(action, arguments)
        if not response.is_error:
            return arguments
    if spec.required == ["id"]:
        parent = REGISTRY[action].spec.request.path.split("/")[2]  # type: ignore[union-attr]
        lister = f"get_{parent.replace('-', '_')}"
        way = WAYS.get(parent, [lister] if REGISTRY.get(lister) else [])
        for one in (await _ids(shop, way))[:60] if way else []:
            found = await shop.answer(action, {"id": one})
            if not found.is_error and found.answer.data["count"]:
                return {"id": one}
    return None


@pytest.mark.parametrize("action", LISTED)
async def test_every_listing_ends_with_exactly_the_records_there_are(shop: Shop, action: str) -> None:
    arguments = await _arguments(shop, action)
    if arguments is None:
        pytest.skip("the demo shop has nothing for it")
    whole = await shop.walk(action, arguments, 10_000_000)
    # A row of a report, or a campaign, may be longer than a small budget; then it is cut by name: that is another test.
    few, small = ([6_000], 6_000) if REGISTRY[action].spec.result.rows else ([2_000, 6_000], 2_500)
    for budget in few:
        assert await shop.walk(action, arguments, budget) == whole
    sizes = REGISTRY[action].spec.properties.get("page_size", {})
    if sizes:
        smallest, largest = max(sizes.get("minimum", 1), len(whole) // 12), sizes.get("maximum", 500)
        for size in {min(smallest, largest), largest}:
            asked = {**arguments, "page_size": size}
            assert await shop.walk(action, asked, small) == whole
            if "max_records" in REGISTRY[action].spec.properties:
                assert await shop.walk(action, {**asked, "max_records": 7}, 2_500) == whole
    if "max_records" in REGISTRY[action].spec.properties:
        assert await shop.walk(action, {**arguments, "max_records": 57}, 3_000) == whole


async def test_max_records_is_what_is_shown_and_the_cursor_goes_on_behind_it(shop: Shop) -> None:
    first = await shop.read("get_profiles", {"max_records": 7, "page_size": 5, "profile_fields": ["email"]})
    assert first["count"] == 7
    rest = await shop.walk("get_profiles", {"cursor": first["next_cursor"]})
    assert len({*(record["id"] for record in first["records"]), *rest}) == 7 + len(rest)


async def test_related_records_go_with_the_records_they_belong_to(shop: Shop) -> None:
    seen: set[str] = set()
    asked: dict[str, Any] = {"include": ["profile", "metric"], "page_size": 40}
    first = await shop.read("get_events", asked, 12_000)
    belonging = {record[name]["id"] for record in first["records"] for name in ("profile", "metric")}
    assert all(record["metric"].keys() == {"id", "name"} for record in first["records"])
    for records in first["included"].values():
        seen |= {record["id"] for record in records}
    assert seen == belonging


async def test_a_cursor_sent_alone_keeps_filter_sort_and_fields(shop: Shop) -> None:
    arguments = {
        "filter": [{"field": "created", "operator": "greater-than", "value": "2020-01-01T00:00:00Z"}],
        "sort": "-email",
        "profile_fields": ["email"],
        "page_size": 5,
    }
    first = await shop.read("get_profiles", arguments)
    second = await shop.read("get_profiles", {"cursor": first["next_cursor"]})
    emails = [record.get("email", "") for record in first["records"] + second["records"]]
    assert emails == sorted(emails, reverse=True)
    assert set(second["records"][0]) <= {"id", "email", "related"}
    assert await shop.read("get_profiles", {**arguments, "cursor": first["next_cursor"]}) == second


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        ({"sort": "created"}, "sort"),
        ({"filter": 'equals(email,"a@b.co")'}, "filter"),
        ({"profile_fields": ["first_name"]}, "profile_fields"),
    ],
)
async def test_a_question_that_contradicts_the_cursor_is_refused(shop: Shop, beside: dict[str, Any], says: str) -> None:
    first = await shop.read("get_profiles", {"sort": "-email", "page_size": 5, "profile_fields": ["email"]})
    refused = await shop.answer("get_profiles", {"cursor": first["next_cursor"], **beside})
    assert refused.is_error
    (problem,) = refused.answer.data["error"]["problems"]
    assert problem["argument"] == says
    assert "the cursor goes on with" in problem["problem"]


async def test_a_cursor_of_another_action_or_account_or_an_altered_one_is_refused(shop: Shop) -> None:
    cursor = (await shop.read("get_profiles", {"page_size": 5}))["next_cursor"]
    other = Shop(OTHER_API_KEY, shop.app, "other")
    same_name = Shop(OTHER_API_KEY, shop.app, "shop")
    for refused, says in (
        (await shop.answer("get_lists", {"cursor": cursor}), "goes on with get_profiles"),
        (await other.answer("get_profiles", {"cursor": cursor}), "is of the account 'shop'"),
        (await same_name.answer("get_profiles", {"cursor": cursor}), "was altered"),
        (await shop.answer("get_profiles", {"cursor": cursor[:-2] + "AA"}), "was altered"),
        (await shop.answer("get_profiles", {"cursor": cursor[: len(cursor) // 2]}), "is not whole"),
        (await shop.answer("get_profiles", {"cursor": "kmcp1.???.x"}), "is not whole"),
    ):
        assert refused.is_error
        error = refused.answer.data["error"]
        assert says in error["problems"][0]["problem"]
        assert error["outcome"] == "Nothing was sent to Klaviyo."


async def test_a_whole_link_brings_its_question_and_a_contradiction_is_an_error(shop: Shop) -> None:
    document = await _raw(shop, "/api/profiles?sort=-email&page[size]=5&fields[profile]=email")
    link = document["links"]["next"]
    by_link = await shop.read("get_profiles", {"cursor": link})
    ours = await shop.read("get_profiles", {"sort": "-email", "page_size": 5, "profile_fields": ["email"]})
    assert by_link["records"] == (await shop.read("get_profiles", {"cursor": ours["next_cursor"]}))["records"]
    refused = await shop.answer("get_profiles", {"cursor": link, "sort": "email"})
    assert refused.answer.data["error"]["problems"][0]["argument"] == "sort"
    elsewhere = await shop.answer("get_lists", {"cursor": link})
    assert "is a link to /api/profiles" in elsewhere.answer.data["error"]["problems"][0]["problem"]


async def test_a_link_of_campaigns_gives_its_channel_back(shop: Shop) -> None:
    document = await _raw(shop, '/api/campaigns?filter=equals(messages.channel,"email")&page[size]=2')
    by_link = await shop.read("get_campaigns", {"channel": "email", "cursor": document["links"]["next"]})
    assert by_link["count"]
    alone = await shop.read("get_campaigns", {"cursor": document["links"]["next"]})
    assert alone["records"] == by_link["records"]


async def test_klaviyos_own_cursor_and_an_empty_one_are_taken(shop: Shop) -> None:
    document = await _raw(shop, "/api/profiles?page[size]=5")
    cursor = httpx2.URL(document["links"]["next"]).params["page[cursor]"]
    second = await shop.read("get_profiles", {"cursor": cursor, "page_size": 5})
    assert second["records"][0]["id"] != document["data"][0]["id"]
    assert (await shop.read("get_profiles", {"cursor": "", "page_size": 5}))["count"] == 5


async def test_a_cursor_of_an_action_that_picks_its_operation_goes_on_with_that_action(shop: Shop) -> None:
    lists = await shop.read("get_lists", {})
    sizes = [
        (len(await shop.walk("get_profile_ids_for_list", {"id": one["id"]})), one["id"]) for one in lists["records"]
    ]
    largest, list_id = max(sizes)
    asked = {"id": list_id, "related": "profiles", "page_size": 5}
    assert len(await shop.walk("get_list_relationships", asked)) == largest


async def _raw(shop: Shop, target: str) -> Any:
    transport = httpx2.ASGITransport(app=shop.app)
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        return (await client.get(target)).json()


async def test_a_template_longer_than_an_answer_is_read_part_by_part(shop: Shop) -> None:
    html = "<html><head></head><body>" + "".join(f"<p>Line {n} of many.</p>" for n in range(6_000)) + "</body></html>"
    made = await shop.answer("create_template", {"name": "Long", "editor_type": "CODE", "html": html})
    assert size_of(made.answer.data) <= 40_000
    template = {"id": made.answer.data["record"]["id"]}
    whole = await shop.answer("get_template", template)
    assert size_of(whole.answer.data) <= 40_000
    cut = {entry["part"].partition("@")[0]: entry for entry in whole.answer.data["cut"]}
    assert cut["record.html"]["characters"] >= len(html)
    assert "part" in whole.answer.data["how_to_read_on"]
    read, part = whole.answer.data["record"]["html"].removesuffix("…"), cut["record.html"]["part"]
    while part:
        answer = await shop.answer("get_template", {**template, "part": part})
        assert size_of(answer.answer.data) <= 40_000
        read += answer.answer.data["value"]
        part = answer.answer.data.get("next_part", "")
    assert html in read
    wrong = await shop.answer("get_template", {**template, "part": "record.body"})
    assert wrong.is_error
    assert wrong.answer.data["error"]["outcome"] == "Nothing was changed in Klaviyo."
    several = await shop.read(
        "get_templates",
        {"filter": [{"field": "name", "operator": "equals", "value": "Long"}], "fields": ["all"]},
    )
    assert several["cut"][0]["part"].startswith("records[0].")
