"""Every kind, at the worst moment: Klaviyo has carried a request out, and the job dies before it knows.

The job runs in this process, where that moment is met without a process for each kind; `test_killed.py` kills them.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.jobs.conftest import HEADERS, Between

from klaviyo_mcp.jobs.engine import Step
from klaviyo_mcp.jobs.kind import load_kinds
from klaviyo_mcp.jobs.preparing import Wanted, prepared, queued
from klaviyo_mcp.jobs.report import results
from klaviyo_mcp.jobs.running import cancel_now, import_runner
from klaviyo_mcp.jobs.source import open_source
from klaviyo_mcp.jobs.store import Job
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.assembly import assemble, select
from klaviyo_mcp.runtime.jobs import found_account, open_store, sender_of, whose
from klaviyo_mcp.runtime.settings import read_settings
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

Rows = list[dict[str, Any]]
SHIRT = {"title": "Shirt", "description": "A shirt", "url": "https://shop.test/"}
HERE = [f"p{one}@shop.example.org" for one in range(4)]
PHONES = [f"+1415555{one:04}" for one in range(2671, 2675)]
TAG, LIST, SOURCE = "TAG", "LIST", "SOURCE"
GONE = "01JZZZZZZZZZZZZZZZZZZZZZZZ"


@dataclass(frozen=True)
class Case:
    """Rows of a kind, some of which do not get in; what of the account they change; with what options."""

    rows: Rows
    state: str
    options: dict[str, str] = field(default_factory=dict[str, str])


def _ids(of: str, *names: str) -> Rows:
    return [{"id": f"$custom:::$default:::{of}-{name}"} for name in names]


def _addresses(*more: str) -> Rows:
    return [{"email": one} for one in (*HERE[:2], *more)]


NUMBERS: Rows = [{"phone_number": one} for one in PHONES[:2]]
ITEMS, VARIANTS, CATEGORIES = "/api/catalog-items", "/api/catalog-variants", "/api/catalog-categories"
PEOPLE = "/api/profiles?page[size]=100&additional-fields[profile]=subscriptions"
PETS = "/api/object-types/KIND/object-records"
NEW = {"external_id": "new"}
VARIANT = {**SHIRT, "sku": "s", "inventory_quantity": 1, "price": 2}
SENDS = "(POST|DELETE|PATCH) /api/(?!tags$)"
CHANGING = (
    "created",
    "updated",
    "timestamp",
    "datetime",
    "joined_group_at",
    "last_event_date",
    "expires_at",
    "uuid",
    "links",
)
CASES = {
    "profiles": Case([{"email": "new@shop.example.org", "points": 1}, {"id": GONE, "first_name": "Nobody"}], PEOPLE),
    "events": Case(
        [{"email": HERE[0], "event.metric.name": "Visited", "Number": one} for one in range(2)], "/api/events"
    ),
    "list-add": Case(_addresses("nobody@shop.example.org"), "/api/lists/OTHER/profiles", {"list": "OTHER"}),
    "list-remove": Case(_addresses("nobody@shop.example.org"), "/api/lists/LIST/profiles", {"list": LIST}),
    "subscribe-email": Case(_addresses(), PEOPLE, {"list": LIST}),
    "subscribe-sms": Case(NUMBERS, PEOPLE, {"list": LIST}),
    "subscribe-whatsapp": Case(NUMBERS, PEOPLE, {"list": LIST}),
    "unsubscribe-email": Case(_addresses("nobody@shop.example.org"), PEOPLE, {"list": LIST}),
    "unsubscribe-sms": Case(NUMBERS, PEOPLE, {"list": LIST}),
    "unsubscribe-whatsapp": Case(NUMBERS, PEOPLE, {"list": LIST}),
    "suppress": Case(_addresses(), PEOPLE),
    "unsuppress": Case(_addresses(), PEOPLE),
    "catalog-items-create": Case([{**SHIRT, **NEW}, {**SHIRT, "external_id": "item-1"}], ITEMS),
    "catalog-items-update": Case([{**one, "title": "Coat"} for one in _ids("item", "1", "none")], ITEMS),
    "catalog-items-delete": Case(_ids("item", "2", "none"), ITEMS),
    "catalog-variants-create": Case(
        [
            {**VARIANT, "external_id": one, "item_id": item["id"]}
            for one, item in zip(("new", "variant-1"), _ids("item", "1", "1"), strict=True)
        ],
        VARIANTS,
    ),
    "catalog-variants-update": Case([{**one, "title": "Coat"} for one in _ids("variant", "1", "none")], VARIANTS),
    "catalog-variants-delete": Case(_ids("variant", "1", "none"), VARIANTS),
    "catalog-categories-create": Case(
        [{"name": "Coats", **NEW}, {"name": "Coats", "external_id": "category-1"}], CATEGORIES
    ),
    "catalog-categories-update": Case([{**one, "name": "Hats"} for one in _ids("category", "1", "none")], CATEGORIES),
    "catalog-categories-delete": Case(_ids("category", "1", "none"), CATEGORIES),
    "coupon-codes": Case(
        [{"unique_code": one} for one in ("NEW1", "NEW2")],
        "/api/coupon-codes?filter=equals(coupon.id,'FAIR')",
        {"coupon": "FAIR"},
    ),
    "records": Case([{"pet": {"id": one, "name": "Rex"}} for one in "ab"], PETS, {"source": SOURCE}),
    "records-delete": Case([{"id": f"KIND:::{one}"} for one in "ab"], PETS),
    "tag": Case([{"id": LIST}, {"id": "OTHER"}], "/api/tags/TAG/relationships/lists", {"tag": TAG, "related": "lists"}),
    "untag": Case(
        [{"id": LIST}, {"id": "OTHER"}], "/api/tags/TAG/relationships/lists", {"tag": TAG, "related": "lists"}
    ),
    "privacy-deletions": Case(_addresses("nobody@shop.example.org"), PEOPLE),
}


def test_every_kind_is_tried_here() -> None:
    assert {*CASES} == {*load_kinds()}


class Account:
    """A sandbox with something of everything, and jobs on it in this process."""

    def __init__(self, url: str, between: Between, folder: Path, registry: Registry) -> None:
        self.url, self.between, self.folder = url, between, folder
        given = {
            "klaviyo_base_url": url,
            "klaviyo_api_key": API_KEY,
            "klaviyo_company_id": COMPANY_ID,
            "klaviyo_mcp_home": folder / "home",
        }
        self.selection = select(confirm="never", settings=read_settings(given), registry=registry)
        self.store = open_store(self.selection.settings)
        account = found_account(assemble(self.selection))
        self.whose, self.name = whose(account), account.name
        self.names = self._filled()
        self.post("/_sandbox/snapshot", {"name": "before"})

    def post(self, path: str, body: Any) -> Any:
        answer = httpx2.post(f"{self.url}{path}", json=body, headers=HEADERS, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()["data"] if path.startswith("/api") and answer.content else None

    def named(self, value: Any) -> Any:
        """A value with the ids of this account in place of their names."""
        text = json.dumps(value)
        for name, id in self.names.items():
            text = text.replace(name, id)
        return json.loads(text)

    def state(self, path: str) -> Any:
        """What is there to be read, without what differs each time."""
        url: str | None = f"{self.url}{self.named(path)}" if path else None
        found: list[Any] = []
        while url:
            page = httpx2.get(url, headers=HEADERS).raise_for_status().json()
            url = page["links"].get("next")
            found += [_lasting(one) for one in page["data"]]
        return sorted(found, key=json.dumps)

    def job(self, name: str, case: Case) -> Job:
        """A job of the rows of a case, agreed to."""
        file = self.folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in self.named(case.rows)))
        wanted = Wanted(name, self.named(case.options))
        draft = prepared(open_source(file), file, wanted, self.store, self.selection.registry, self.whose, self.name)
        queued(self.store, draft.job)
        return self.store.job(draft.job.id)

    async def run(self, job: Job) -> None:
        """One run of a job, from what those before have kept."""
        assert self.store.claim(job, f"worker-{job.runs}", only=("queued", "running"))
        runner = import_runner(
            self.store, self.selection.registry, load_kinds(), sender_of(self.selection, None, "test")
        )
        await runner(self.store.job(job.id), Straight())

    def posted(self) -> int:
        """How many requests of the last job were to send something."""
        return sum(re.search(SENDS, one) is not None for one in self.between.seen)

    async def dies(self, job: Job) -> None:
        """One run that dies when its last kind of request was carried out and not yet answered."""
        loop = asyncio.get_running_loop()
        run = asyncio.create_task(self.run(job))

        def die() -> bool:
            loop.call_soon_threadsafe(run.cancel)
            return True

        self.between.at(SENDS, die)
        with pytest.raises(asyncio.CancelledError):
            await run
        self.between.clear()

    def became(self, job: Job, path: str) -> Any:
        """The account and the report, without the ids that Klaviyo gives to its jobs."""
        self.post("/_sandbox/clock", {"advance": 60})
        told = [{**one, "job": ""} for one in results(self.store, self.store.job(job.id))]
        return self.store.job(job.id).state, told, self.state(path)

    def _filled(self) -> dict[str, str]:
        """Make what the cases speak of; the ids of what has none of ours."""
        people = [{"email": mail, "phone_number": phone} for mail, phone in zip(HERE, PHONES, strict=True)]
        profiles = [self.post("/api/profile-import", _one("profile", one))["id"] for one in people]
        lists = [self.post("/api/lists", _one("list", {"name": f"List {one}"}))["id"] for one in range(2)]
        tag = self.post("/api/tags", _one("tag", {"name": "Lost"}))["id"]
        self.post(f"/api/tags/{tag}/relationships/lists", _several("list", lists[:1]))
        self.post(f"/api/lists/{lists[0]}/relationships/profiles", _several("profile", profiles))
        for one in ("item-1", "item-2"):
            self.post("/api/catalog-items", _one("catalog-item", {**SHIRT, "external_id": one}))
        related = {"item": {"data": {"type": "catalog-item", "id": _ids("item", "1")[0]["id"]}}}
        self.post("/api/catalog-variants", _one("catalog-variant", {**VARIANT, "external_id": "variant-1"}, related))
        category = {"name": "Coats", "external_id": "category-1"}
        self.post("/api/catalog-categories", _one("catalog-category", category))
        self.post("/api/coupons", _one("coupon", {"external_id": "FAIR"}))
        source = self.post("/api/data-sources", _one("data-source", {"title": "Clinic"}))["id"]
        mapped = {"id": 1, "type": "simple"}
        mapped["source"] = {"source_id": source, "id_path": "$.pet.id", "data_path": "$.pet.name"}
        schema = {"properties": [{"id": 1, "name": "name", "type": "string"}], "required": ["name"], "status": "active"}
        schema["source-mapping"] = _one("source-mapping", {"property_mappings": [mapped]})
        kind = {"title": "Pet", "object-schema": _one("object-schema", schema)}
        pets = self.post("/api/object-types", _one("object-type", kind))["id"]
        self.post("/_sandbox/clock", {"advance": 60})
        return {"LIST": lists[0], "OTHER": lists[1], "TAG": tag, "SOURCE": source, "KIND": pets}


def _one(kind: str, attributes: Any, relationships: Any = None) -> Any:
    data = {"type": kind, "attributes": attributes}
    return {"data": {**data, "relationships": relationships} if relationships else data}


def _several(kind: str, ids: list[str]) -> Any:
    return {"data": [{"type": kind, "id": one} for one in ids]}


def _lasting(record: Any) -> Any:
    """A record without its times, and without its id where Klaviyo gives that."""
    kept = {name: value for name, value in record.get("attributes", {}).items() if name not in CHANGING}
    theirs = record["type"] in ("profile", "event")
    return [None if theirs else record["id"], _timeless(kept)]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        named: dict[str, Any] = value
        return {name: _timeless(one) for name, one in named.items() if not name.endswith(("timestamp", "updated"))}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


class Straight:
    """The steps of a run one after the other, kept by nobody."""

    async def one(self, name: str, step: Step) -> Any:
        return await step()

    async def together(self, steps: list[tuple[str, Step]]) -> list[Any]:
        return [await step() for _, step in steps]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[Account]:
    between = Between(create_app(rate_limits=False, profiles=1, job_seconds=0.01))
    with serve(between) as url:  # pyright: ignore[reportArgumentType] - it is an app, too
        yield Account(url, between, tmp_path_factory.mktemp("lost"), registry)


@pytest.mark.parametrize(
    ("name", "lives"),
    [(name, False) for name in CASES] + [(name, True) for name in ("unsubscribe-email", "privacy-deletions")],
)
async def test_what_was_done_though_its_answer_was_lost_is_neither_done_twice_nor_told_as_failed(
    account: Account, name: str, lives: bool
) -> None:
    case, became = CASES[name], list[Any]()
    for disturbed in (False, True):
        account.post("/_sandbox/restore", {"name": "before"})
        job = account.job(name, case)
        if disturbed and lives:
            account.between.at(SENDS, lambda: True)
        elif disturbed:
            await account.dies(job)
            assert next(state for _, state, *_ in account.store.chunk_states(job.id)) == "sending"
            job = account.store.job(job.id)
        await account.run(job)
        became.append(account.became(job, case.state))
    assert became[0][0] == "done"
    assert became[0] == became[1]


@pytest.mark.parametrize(
    ("name", "rows", "options"),
    [
        ("tag", [{"id": LIST}, {"id": "ZZZZZZ"}, {"id": "OTHER"}, {"id": "YYYYYY"}], {"tag": TAG, "related": "lists"}),
        (
            "list-add",
            [{"email": HERE[0]}, {"id": GONE}, {"email": HERE[1]}, {"id": GONE[:-1] + "0"}],
            {"list": "OTHER"},
        ),
    ],
)
async def test_a_row_that_a_refusal_does_not_name_holds_up_no_other(
    account: Account, name: str, rows: Rows, options: dict[str, str]
) -> None:
    account.post("/_sandbox/restore", {"name": "before"})
    job = account.job(name, Case(rows, "", options))
    await account.run(job)
    told = [(one["result"], one.get("why", "")) for one in results(account.store, account.store.job(job.id))]
    assert [result for result, _ in told] == ["done", "failed", "done", "failed"]
    assert "not" in told[1][1]
    assert len(account.state("/api/lists/OTHER/profiles" if name == "list-add" else CASES["tag"].state)) == 2


async def test_what_is_about_no_row_is_asked_for_three_times_and_pauses(account: Account) -> None:
    account.post("/_sandbox/restore", {"name": "before"})
    options = {"tag": "6c1f0b52-3a7e-4d8b-9e21-5f4a7c0d8e13", "related": "lists"}
    job = account.job("tag", Case([{"id": LIST}, {"id": "OTHER"}], "", options))
    await account.run(job)
    paused = account.store.job(job.id)
    assert (paused.state, "A tag with id" in paused.reason) == ("paused", True)
    assert account.store.rejected_count(job.id) == 0
    assert cancel_now(account.store, paused)


CREATE = "catalog-items-create"


def _in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


@pytest.mark.parametrize("wait", ["", "0", "-5", "soon", "date"])
async def test_a_limit_is_waited_for_whatever_it_says_of_its_end(account: Account, wait: str) -> None:
    headers = {"retry_after": _in_a_second() if wait == "date" else wait} if wait else {}
    account.between.answer(SENDS, 429, **headers)
    assert await _created(account) == ("done", ["done", "failed"])
    assert account.posted() == 2


async def test_a_limit_that_is_free_tomorrow_pauses_the_job(account: Account) -> None:
    account.between.answer(SENDS, 429, retry_after="86400")
    state, became = await _created(account)
    assert (state, set(became), account.posted()) == ("paused", {"not_sent"}, 1)


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 500, "after": True},
        {"fault": "html", "status": 502, "after": True},
        {"fault": "truncate"},
        {"fault": "empty"},
        {"fault": "deep"},
        {"fault": "reset_before"},
    ],
    ids=lambda fault: fault["fault"],
)
async def test_whatever_the_answer_to_a_creation_is_nothing_is_created_twice(
    account: Account, fault: dict[str, Any]
) -> None:
    account.post("/_sandbox/faults", [{**fault, "operation": "bulk_create_catalog_items", "count": 1}])
    assert await _created(account) == ("done", ["done", "failed"])


async def _created(account: Account) -> tuple[str, list[str]]:
    """How a job ends that creates an item, and another that is there already; what became of these rows."""
    account.post("/_sandbox/restore", {"name": "before"})
    account.between.seen.clear()
    job = account.job(CREATE, CASES[CREATE])
    await account.run(job)
    ended = account.store.job(job.id)
    if ended.state == "paused":
        cancel_now(account.store, ended)
    return ended.state, [one["result"] for one in results(account.store, ended)]
