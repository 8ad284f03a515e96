"""Whole answers are kept sealed, for their account alone, for a while, and within bounds."""

import asyncio
import json
import os

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.answers.budget import size_of
from klaviyo_mcp.answers.kept_answers import AnswersAway, InMemory, KeptAnswers, OnRedis, UnknownAnswer
from klaviyo_mcp.answers.shape import shape
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import Response, answer_call
from klaviyo_mcp.runtime.reading_on import read_more
from klaviyo_sandbox import API_KEY, OTHER_API_KEY, create_app

BUDGET = 6_000


class Shop:
    """A sandbox of 250 profiles, and an account of it whose answers are kept."""

    def __init__(self, engine: Engine, kept: KeptAnswers, key: str = API_KEY, app: object = None) -> None:
        self.engine, self.kept = engine, kept
        self.app = app or create_app(rate_limits=False, profiles=250)
        self.requests = 0
        self.endpoint = Endpoint("http://sandbox", HttpPool(httpx2.ASGITransport(app=self._counted)), pace=False)
        self.account: Account = open_account("shop", self.endpoint, api_key=key)
        self.accounts = OneAccount(self.account, self.endpoint)

    async def _counted(self, scope, receive, send) -> None:
        self.requests += 1
        await self.app(scope, receive, send)  # pyright: ignore[reportCallIssue]

    async def call(self, action: str, /, **arguments) -> Response:
        return await answer_call(
            self.engine, self.accounts, Call(action, arguments), budget=BUDGET, kept=self.kept, listed=True
        )

    async def more(self, /, **given) -> dict:
        made = await read_more(self.engine, self.accounts, self.kept, given, None, BUDGET)
        assert size_of(made.answer.data) <= BUDGET
        assert len(made.text.encode()) <= BUDGET + 200
        return made.answer.data


@pytest.fixture(scope="module")
def engine(registry: Registry) -> Engine:
    return Engine(registry)


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Shop:
    return Shop(engine, KeptAnswers())


async def test_reading_goes_on_past_what_is_shown_and_all_of_it_can_be_gone_through(shop: Shop) -> None:
    before = shop.requests
    response = await shop.call("get_profiles", max_records=1_000)
    data = response.answer.data
    assert shop.requests == before + 3, "three pages hold 250 profiles"
    assert data["count"] == len(data["records"]) < 20
    assert "The 250 records that were read are kept until" in data["read_more"]
    assert size_of(data) <= BUDGET
    assert len(response.text.encode()) <= BUDGET
    whole: list = [record["id"] for record in data["records"]]
    offset = len(whole)
    while offset is not None:
        page = await shop.more(answer_id=data["answer_id"], offset=offset, fields=["id"])
        whole += [record["id"] for record in page["records"]]
        offset = page.get("next_offset")
    assert len(whole) == len(set(whole)) == 250
    groups = await shop.more(answer_id=data["answer_id"], group_by=["place"])
    assert sum(row["count"] for row in groups["rows"]) == groups["matching"] == 250
    assert shop.requests == before + 3, "nothing was asked of Klaviyo again"


async def test_many_records_are_read_in_large_pages(shop: Shop) -> None:
    before = shop.requests
    data = (await shop.call("get_events", max_records=2_000)).answer.data
    assert shop.requests == before + 2
    assert (await shop.more(answer_id=data["answer_id"], count=True))["of"] == 2_000


async def test_reading_stops_where_one_call_has_read_enough_and_says_so(shop: Shop, engine: Engine) -> None:
    call = Call("get_profiles", {"max_records": 250})
    outcome = await engine.carry_out(await engine.planned(call, shop.account), shop.account, enough=50_000)
    answer = shape(outcome, BUDGET)
    assert answer.whole is not None
    assert len(answer.whole["records"]) == 100, "a page alone has more than that"
    assert answer.data["warnings"] == [
        "Stopped after 100 records: one call reads no more than 0.05 MB of records. Go on with next_cursor."
    ]


async def test_a_list_inside_of_an_answer_is_named(shop: Shop) -> None:
    data = (await shop.call("get_campaigns", channel="email", include=["campaign-messages"])).answer.data
    found = await shop.more(answer_id=data["answer_id"], list="included.campaign-message", fields=["definition.label"])
    assert found["list"] == "included.campaign-message"
    assert [*found["records"][0]] == ["definition.label"]


async def test_cursors_go_on_without_the_store(shop: Shop) -> None:
    data = (await shop.call("get_profiles", max_records=40)).answer.data
    found = [record["id"] for record in data["records"]]
    while "next_cursor" in data:
        data = (await shop.call("get_profiles", cursor=data["next_cursor"])).answer.data
        found += [record["id"] for record in data["records"]]
    assert len(found) == len(set(found)) == 250


async def test_figures_of_a_part_say_that_there_is_more(shop: Shop) -> None:
    data = (await shop.call("get_profiles", page_size=50)).answer.data
    found = await shop.more(answer_id=data["answer_id"], count=True)
    assert (found["matching"], found["of"]) == (50, 50)
    assert "Klaviyo has more" in found["notes"][0]


async def long_template(shop: Shop, name: str) -> str:
    """The id of a new template that is longer than an answer."""
    made = await shop.call("create_template", name=name, editor_type="CODE", html=f"<p>{'ü' * 9_000}</p>")
    return made.answer.data["record"]["id"]


async def test_cut_texts_are_read_by_their_part(shop: Shop) -> None:
    data = (await shop.call("get_template", id=await long_template(shop, "Long"))).answer.data
    assert "read_more" in data["how_to_read_on"]
    (cut,) = [cut for cut in data["cut"] if cut["part"].startswith("record.html")]
    html = data["record"]["html"].removesuffix("…")
    part = cut["part"]
    while part is not None:
        found = await shop.more(answer_id=data["answer_id"], part=part)
        html += found["value"]
        part = found.get("next_part")
    assert html == f"<html><head></head><body><p>{'ü' * 9_000}</p></body></html>"


async def test_a_record_that_is_too_long_is_cut_and_its_part_leads_to_it(shop: Shop) -> None:
    await long_template(shop, "Among others")
    data = (await shop.call("get_templates", fields="all")).answer.data
    found = await shop.more(
        answer_id=data["answer_id"], where=[{"field": "name", "operator": "equals", "value": "Among others"}]
    )
    (record,) = found["records"]
    cut = next(cut for cut in found["cut"] if ".html@" in cut["part"])
    rest = await shop.more(answer_id=data["answer_id"], part=cut["part"])
    assert rest["from"] == cut["shown"] == len(record["html"].removesuffix("…"))
    assert rest["characters"] == cut["characters"] > 9_000


async def test_what_fits_has_no_handle(shop: Shop) -> None:
    assert "answer_id" not in (await shop.call("get_lists")).answer.data


async def test_a_wrong_question_is_told_with_what_there_is(shop: Shop) -> None:
    number = (await shop.call("get_profiles", max_records=100)).answer.data["answer_id"]
    for given, words in (
        ({"list": "people"}, "There are: records"),
        ({"group_by": ["plase"]}, "Did you mean place"),
        ({"part": "records[300]"}, "there is no '[300]'"),
        ({"part": "records", "limit": 3}, "goes with answer_id alone"),
        ({"offset": -1}, "must not be below 0"),
    ):
        error = (await shop.more(answer_id=number, **given))["error"]
        assert words in json.dumps(error, ensure_ascii=False)
        assert error["outcome"] == "Nothing was sent to Klaviyo."


async def test_another_account_finds_nothing(shop: Shop, engine: Engine) -> None:
    number = (await shop.call("get_profiles", max_records=100)).answer.data["answer_id"]
    other = Shop(engine, shop.kept, OTHER_API_KEY, shop.app)
    error = (await other.more(answer_id=number))["error"]
    assert error["code"] == "unknown_answer"
    assert error == (await other.more(answer_id=number))["error"]
    made_up = (await other.more(answer_id="0" * 12))["error"]
    assert made_up["message"].replace("0" * 12, number) == error["message"], "it is not told that another has one"


async def test_an_answer_goes_after_its_time(shop: Shop) -> None:
    now = [0.0]
    store = InMemory(clock=lambda: now[0])
    kept = KeptAnswers(store, 900)
    number, _ = await kept.keep(shop.account, "get_lists", {"a": 1}) or ("", None)
    now[0] = 899
    assert (await kept.find(shop.account, number)).data == {"a": 1}
    now[0] = 900
    with pytest.raises(UnknownAnswer, match="kept for 15 minutes"):
        await kept.find(shop.account, number)
    assert store.bytes_kept == 0


async def test_memory_is_bounded_by_account_and_in_all_and_the_oldest_go_first(shop: Shop, engine: Engine) -> None:
    store = InMemory(most_bytes=30_000, most_of_account=20_000)
    kept = KeptAnswers(store)
    other = Shop(engine, kept, OTHER_API_KEY, shop.app).account

    async def keep(account: Account, name: str) -> str:
        held = await kept.keep(account, name, {"text": os.urandom(3_000).hex()})
        return held[0] if held else ""

    first = await keep(other, "other")
    numbers = [await keep(shop.account, str(index)) for index in range(20)]
    assert store.bytes_kept <= 30_000
    assert (await kept.find(other, first)).action == "other", "one account does not drive out another's within its own"
    assert (await kept.find(shop.account, numbers[-1])).action == "19"
    with pytest.raises(UnknownAnswer):
        await kept.find(shop.account, numbers[0])
    assert await kept.keep(shop.account, "large", {"text": os.urandom(30_000).hex()}) is None
    assert store.bytes_kept <= 30_000


async def test_what_is_kept_is_nothing_to_read_and_nothing_to_move(shop: Shop, redis_server) -> None:
    server = QuotaServer(redis_server.url)
    kept = KeptAnswers(OnRedis(server))
    data = {"count": 1, "records": [{"email": "maya.lindqvist@example.org"}] * 50}
    number, _ = await kept.keep(shop.account, "get_profiles", data) or ("", None)
    other, _ = await kept.keep(shop.account, "get_profiles", {"b": 2}) or ("", None)

    async def everything(client):
        return {
            key: await client.get(key) for key in await client.keys("*answers*") if await client.type(key) == "string"
        }

    stored = await server.ask(everything)
    assert len(stored) == 2
    assert "maya" not in json.dumps(stored)
    assert API_KEY not in json.dumps(stored)
    assert (await kept.find(shop.account, number)).data == data
    one, two = sorted(stored, key=lambda key: not key.endswith(number))

    async def swap(client):
        return await client.set(one, stored[two], px=60_000)

    await server.ask(swap)
    with pytest.raises(UnknownAnswer):
        await kept.find(shop.account, number)
    assert (await kept.find(shop.account, other)).data == {"b": 2}
    await server.close()


async def test_redis_is_bounded_too_and_forgets(shop: Shop, engine: Engine, redis_server) -> None:
    server = QuotaServer(redis_server.url)
    kept = KeptAnswers(OnRedis(server, most_bytes=60_000, most_of_account=30_000), 0.6)
    other = Shop(engine, kept, OTHER_API_KEY, shop.app).account
    text = os.urandom(4_000).hex()
    first, _ = await kept.keep(other, "other", {"text": text}) or ("", None)
    numbers = [(await kept.keep(shop.account, str(index), {"text": text}) or ("", None))[0] for index in range(8)]

    async def sizes(client):
        return sum([await client.strlen(key) for key in await client.keys("*answers*:*") if "index" not in key])

    assert 0 < await server.ask(sizes) <= 60_000
    assert (await kept.find(other, first)).action == "other"
    assert (await kept.find(shop.account, numbers[-1])).action == "7"
    with pytest.raises(UnknownAnswer):
        await kept.find(shop.account, numbers[0])
    await asyncio.sleep(0.7)
    with pytest.raises(UnknownAnswer):
        await kept.find(shop.account, numbers[-1])
    await server.close()


async def test_without_redis_the_answer_comes_without_an_id_and_says_so(engine: Engine, shop: Shop) -> None:
    server = QuotaServer("redis://127.0.0.1:1/0")
    lonely = Shop(engine, KeptAnswers(OnRedis(server)), app=shop.app)
    response = await lonely.call("get_profiles", max_records=60)
    assert not response.is_error
    assert "answer_id" not in response.answer.data
    assert "Redis at 127.0.0.1:1 does not take it" in response.answer.data["warnings"][0]
    assert response.answer.data["next_cursor"]
    error = (await lonely.more(answer_id="0" * 12))["error"]
    assert (error["code"], error["outcome"]) == ("answers_away", "Nothing was sent to Klaviyo.")
    with pytest.raises(AnswersAway):
        await lonely.kept.find(lonely.account, "0" * 12)
    await server.close()
