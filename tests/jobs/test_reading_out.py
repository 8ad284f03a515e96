"""An export holds what Klaviyo lists: each row once, also while the account changes."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.jobs.engine import Step
from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.jobs.export_kind import ExportKind, load_export_kinds
from klaviyo_mcp.jobs.exporting import Read, export_runner, machine, pages
from klaviyo_mcp.jobs.reading_out import Place, Question, arguments_at, ask_anew, taken
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import Reply
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exports import Asked, settled
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app

Rows = list[dict[str, Any]]
START = datetime(2026, 1, 1, tzinfo=UTC)


class Shop:
    """A sandbox, and exports of it whose pages are small."""

    def __init__(self, registry: Registry) -> None:
        app = create_app(rate_limits=False, profiles=60)
        self.endpoint = Endpoint("http://sandbox", HttpPool(httpx2.ASGITransport(app=app)), pace=False)
        self.account: Account = open_account("shop", self.endpoint, api_key=API_KEY, company_id=COMPANY_ID)
        self.engine = Engine(registry)

    async def run(self, action: str, /, **arguments: Any) -> Outcome:
        return await self.engine.run(Call(action, arguments), self.account)

    async def export(
        self,
        asked: Asked,
        size: int = 7,
        between: Callable[[int], Awaitable[None]] | None = None,
        user_content: bool = True,
        spoils: bool = False,
    ) -> Rows:
        """`between` is called after each page. With `spoils`, every other of Klaviyo's cursors is refused by it."""
        kind = load_export_kinds()[asked.kind]
        question, _ = await settled(self.engine, self.account, kind, asked)
        if "page_size" in kind.arguments:
            kind = kind.model_copy(update={"arguments": {**kind.arguments, "page_size": size}})
        found: Rows = []
        place = Place()

        async def take(rows: Rows) -> None:
            found.extend(rows)
            # What a step keeps is all that going on needs.
            assert Place(**place.kept()) == place
            if spoils and place.cursor and place.pages % 2:
                place.cursor = "expired"
            if between is not None:
                await between(place.pages)

        async def read(action: str, arguments: Any) -> Outcome:
            return await self.run(action, **arguments)

        assert await pages(kind, question, place, read, _nothing, take, user_content=user_content) == ""
        return found


async def _nothing() -> str:
    return ""


@pytest.fixture
async def shop(registry: Registry) -> AsyncIterator[Shop]:
    shop = Shop(registry)
    yield shop
    await shop.endpoint.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "size", "action", "arguments"),
    [
        (Asked("profiles", {}), 7, "get_profiles", {}),
        (Asked("list-members", {"list": "Newsletter"}), 7, "get_profiles_for_list", {"id": "name:Newsletter"}),
        (
            Asked("events", {"metric": "Placed Order"}),
            40,
            "get_events",
            {"filter": [{"field": "metric_id", "operator": "equals", "value": "name:Placed Order"}]},
        ),
        (Asked("events", {}), 999, "get_events", {}),
        (Asked("catalog-items", {}), 3, "get_catalog_items", {}),
        (Asked("catalog-variants", {}), 3, "get_catalog_variants", {}),
        (Asked("catalog-categories", {}), 3, "get_catalog_categories", {}),
    ],
)
async def test_an_export_has_each_record_that_klaviyo_lists_once(
    shop: Shop, asked: Asked, size: int, action: str, arguments: dict[str, Any]
) -> None:
    listed = await shop.engine.carry_out(
        await shop.engine.planned(Call(action, {**arguments, "max_records": 10_000}), shop.account),
        shop.account,
        enough=10**9,
    )
    found = await shop.export(asked, size)
    ids = [row["id"] for row in found]
    assert sorted(ids) == sorted(record["id"] for record in listed.records)
    assert len(ids) > size
    if order := load_export_kinds()[asked.kind].order:
        times = [row[order] for row in found]
        assert times == sorted(times)


@pytest.mark.anyio
async def test_events_tell_whose_they_are_and_of_which_metric(shop: Shop) -> None:
    found = await shop.export(Asked("events", {"metric": "Placed Order"}), 200)
    assert all(row["metric"]["name"] == "Placed Order" and row["profile"]["email"] for row in found)


@pytest.mark.anyio
async def test_without_user_content_no_words_of_people_are_in_it(shop: Shop) -> None:
    found = await shop.export(Asked("profiles", {}), user_content=False)
    assert len(found) == 60
    assert all(row["id"] and "subscriptions" in row for row in found)
    assert any(row["email"] for row in found)
    assert not any("first_name" in row and row["first_name"] for row in found)
    assert not any(row.get("properties") for row in found)


@pytest.mark.anyio
async def test_a_series_has_a_row_for_each_message_and_day_across_windows(shop: Shop) -> None:
    found = await shop.export(Asked("flow-report", {}, "2026-09-01", "2026-11-10"))
    keys = [(row["date"], row["flow_message_id"]) for row in found]
    assert len(set(keys)) == len(keys)
    days = sorted({day for day, _ in keys})
    assert (days[0], days[-1], len(days)) == ("2026-09-01", "2026-11-10", 71)
    whole = await shop.run(
        "query_flow_values",
        statistics=["recipients"],
        timeframe={"start": "2026-09-01T00:00:00", "end": "2026-11-11T00:00:00"},
    )
    results = whole.replies[0].document["data"]["attributes"]["results"]
    assert sum(row["recipients"] for row in found) == sum(one["statistics"]["recipients"] for one in results)


@pytest.mark.anyio
async def test_a_campaign_stands_under_the_day_it_was_sent_on(shop: Shop) -> None:
    by_day = await shop.export(Asked("campaign-report", {}, "2026-10-01", "2026-10-31"))
    by_week = await shop.export(Asked("campaign-report", {}, "2026-10-01", "2026-10-31", "week"))
    assert by_day
    assert {row["campaign_id"] for row in by_day} == {row["campaign_id"] for row in by_week}
    assert all("2026-10-01" <= row["date"] <= "2026-10-31" for row in by_day)


@pytest.mark.anyio
async def test_nothing_is_twice_or_missing_while_people_come_go_and_change(shop: Shop) -> None:
    before = {row["id"]: row for row in await shop.export(Asked("profiles", {}))}
    order = list(before)
    gone = {order[2], order[30], order[50]}

    async def between(page: int) -> None:
        if page in (1, 3, 5):
            await shop.run("create_profile", email=f"late{page}@example.org")
            leaves = sorted(gone)[page // 2]
            await shop.run("request_profile_deletion", profile={"id": leaves})
            await shop.run("update_profile", id=order[page], first_name=f"Changed {page}")

    ids = [row["id"] for row in await shop.export(Asked("profiles", {}), between=between)]
    assert len(set(ids)) == len(ids)
    assert set(order) - gone <= set(ids) <= set(order)


@pytest.mark.anyio
async def test_members_who_leave_and_come_back_are_there_once_and_who_stayed_is_not_missing(shop: Shop) -> None:
    asked = Asked("list-members", {"list": "Newsletter"})
    order = [row["id"] for row in await shop.export(asked, 5)]
    (newsletter,) = (await shop.run("get_list", id="name:Newsletter")).records
    back, gone = {order[1], order[-2]}, {order[3], order[-1]}

    async def between(page: int) -> None:
        if page in (1, 2):
            returns, leaves = sorted(back)[page - 1], sorted(gone)[page - 1]
            await shop.run("remove_profiles_from_list", id=newsletter["id"], profile_ids=[returns, leaves])
            await shop.run("add_profiles_to_list", id=newsletter["id"], profile_ids=[returns])

    ids = [row["id"] for row in await shop.export(asked, 5, between=between)]
    assert len(set(ids)) == len(ids)
    assert set(order) - gone - back <= set(ids) <= set(order)


@pytest.mark.anyio
@pytest.mark.parametrize("asked", [Asked("profiles", {}), Asked("events", {"metric": "Placed Order"})])
async def test_a_cursor_that_is_taken_no_more_is_done_without(shop: Shop, asked: Asked) -> None:
    whole = [row["id"] for row in await shop.export(asked, 7)]
    assert [row["id"] for row in await shop.export(asked, 7, spoils=True)] == whole


class OneByOne:
    """Steps without an engine."""

    async def one(self, name: str, step: Step) -> Any:
        return await step()

    async def together(self, steps: list[tuple[str, Step]]) -> list[Any]:
        return [await step() for _, step in steps]


@pytest.mark.anyio
async def test_the_catalogue_is_begun_anew_where_its_cursor_is_taken_no_more(shop: Shop, tmp_path: Path) -> None:
    kind = load_export_kinds()["catalog-items"]
    kind = kind.model_copy(update={"arguments": {**kind.arguments, "page_size": 5}})
    whole = [row["id"] for row in await shop.export(Asked("catalog-items", {}), 5)]
    cursors = 0

    async def read(action: str, arguments: Any) -> Outcome:
        nonlocal cursors
        cursors += "cursor" in arguments
        if cursors == 2:
            cursors += 1
            arguments = {**arguments, "cursor": "expired"}
        return await shop.run(action, **arguments)

    @asynccontextmanager
    async def reads(_: Job) -> AsyncGenerator[Read]:
        yield read

    path = tmp_path / "items.jsonl"
    target = {"path": str(path), "form": "jsonl", "excel": False, "force": False}
    facts = {"does": "export", "kind": kind.name, "machine": machine(), "target": target}
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.sqlite'}", Seals(MultiFernet([Fernet(Fernet.generate_key())])))
    store.add(Job("1", "shop", "queued", {**facts, "question": asdict(Question({}))}))
    store.claim(store.job("1"), "me", only=["queued"])
    await export_runner(store, {kind.name: kind}, reads, 0)(store.job("1"), OneByOne())
    store.close()
    assert cursors > 3
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == whole


@given(
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.3, 1.0, 5.0]), min_size=1, max_size=40),
    size=st.integers(1, 9),
    truncates=st.booleans(),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 39)), max_size=20),
    expired=st.sets(st.integers(1, 30)),
)
def test_any_times_and_any_changes_leave_nothing_out_and_nothing_twice(
    gaps: list[float], size: int, truncates: bool, changes: list[tuple[bool, int]], expired: set[int]
) -> None:
    """Klaviyo as a list of times: cursors are places by time and id, and filters may compare by the second."""
    rows: dict[str, datetime] = {}
    at = START
    for number, gap in enumerate(gaps):
        at += timedelta(seconds=gap)
        rows[f"{number:03}"] = at
    always = set(rows) - {f"{number:03}" for removes, number in changes if removes}
    kind = load_export_kinds()["profiles"]
    question = Question({}, until=(at + timedelta(seconds=60)).isoformat())
    place, found, waiting = Place(), list[str](), list(changes)
    while not place.over:
        if place.cursor and place.pages in expired:
            expired.remove(place.pages)
            assert ask_anew(kind, place)
        arguments = arguments_at(kind, question, place)
        found += [row["id"] for row in taken(kind, question, place, _page(rows, arguments, size, truncates))]
        assert place.pages < 200
        if waiting:
            removes, number = waiting.pop()
            if removes:
                rows.pop(f"{number:03}", None)
            else:
                rows[f"new{number}"] = at + timedelta(seconds=61)
    assert len(set(found)) == len(found)
    assert always <= set(found)
    assert not any(id.startswith("new") for id in found)


def _page(rows: dict[str, datetime], arguments: dict[str, Any], size: int, truncates: bool) -> Outcome:
    bounds = {one["operator"]: datetime.fromisoformat(one["value"]) for one in arguments["filter"]}
    after = bounds.get("greater-than", datetime.min.replace(tzinfo=UTC))
    after = after.replace(microsecond=0) if truncates else after
    listed = sorted((at, id) for id, at in rows.items() if after < at < bounds["less-than"])
    if cursor := arguments.get("cursor"):
        moment, _, last = cursor.partition("|")
        listed = [one for one in listed if one > (datetime.fromisoformat(moment), last)]
    shown = listed[:size]
    next_ = f"{shown[-1][0].isoformat()}|{shown[-1][1]}" if len(listed) > size else None
    data = [{"type": "profile", "id": id, "attributes": {"created": at.isoformat()}} for at, id in shown]
    return Outcome(_ACTION, arguments, (Reply(200, {"data": data, "links": {"next": next_}}),))


_ACTION: Any = None
"""Nothing of it is asked for a page of records."""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked("list-members", {}), "needs --list"),
        (Asked("profiles", {"metric": "Placed Order"}), "has no --metric"),
        (Asked("events", {"metric": "Plaqed Order"}), '--metric: "name:Plaqed Order" stands for a metric'),
        (Asked("catalog-items", {}, since="2026-01-01"), "cannot be narrowed by time"),
        (Asked("events", {}, since="yesterday"), "--since 'yesterday' is no time"),
        (Asked("events", {}, "2026-02-01", "2026-01-01"), "--since is not before --until"),
        (Asked("flow-report", {}, interval="month"), "has no --by month"),
        (Asked("flow-report", {}, since="2026-01-01T10:00:00"), "is no day"),
    ],
)
async def test_what_cannot_be_exported_is_refused_in_words(shop: Shop, asked: Asked, says: str) -> None:
    with pytest.raises(JobProblem) as problem:
        await settled(shop.engine, shop.account, load_export_kinds()[asked.kind], asked)
    assert says in problem.value.message
    assert problem.value.advice


@pytest.mark.anyio
async def test_days_are_those_of_the_account_and_the_last_is_included(shop: Shop) -> None:
    kind = load_export_kinds()["events"]
    asked = Asked("events", {}, "2026-01-01", "2026-01-31")
    question, told = await settled(shop.engine, shop.account, kind, asked)
    assert (question.since, question.until) == ("2026-01-01T08:00:00Z", "2026-02-01T08:00:00Z")
    assert "America/Los_Angeles" in told[0]
    now = datetime(2026, 1, 15, tzinfo=UTC)
    question, told = await settled(shop.engine, shop.account, kind, asked, now)
    assert question.until == "2026-01-15T00:00:00Z"
    assert "lies ahead" in told[0]


def test_every_declaration_fits_the_catalogue(registry: Registry) -> None:
    for kind in load_export_kinds().values():
        properties = registry[kind.action].spec.input_schema["properties"]
        assert kind.arguments.keys() <= properties.keys(), kind.name
        if size := properties.get("page_size"):
            assert kind.arguments["page_size"] == size["maximum"], kind.name
        assert registry[kind.action].effect == "read"
        assert _orders_by(kind)


def _orders_by(kind: ExportKind) -> bool:
    """Whether a kind with an order is sorted by it, oldest first, and can be asked for what is later."""
    fields = {one["field"] for one in kind.arguments.get("filter", []) if one["value"] == "$from"}
    return not kind.order or (kind.arguments["sort"] == kind.order and fields == {kind.order})
