"""Checks that outlast the call which began them: followed, told in full by any process, ended, or lost."""

import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import anyio
import pytest
from mcp.client import Client
from tests.jobs.test_tools import TO_PEOPLE, Server, answer, ended

from klaviyo_sandbox import create_app
from klaviyo_sandbox.testing import serve

AT_ONCE = {"KLAVIYO_MCP_CHECK_WAIT": "0"}
LONG = "email\n" + "".join(f"person-{number}@example.com\n" for number in range(90_000))


class Keeping(Server):
    """A server whose database of jobs is looked into."""

    def kept(self, what: str, *given: str) -> tuple[Any, ...]:
        file = self.files.parent / "home" / "jobs" / "jobs.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute(f"SELECT {what}", given).fetchone()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    with serve(create_app(rate_limits=False, profiles=3, job_seconds=0.1)) as url:
        server = Keeping(url, tmp_path_factory.mktemp("checks"))
        (server.files / "long.csv").write_text(LONG)
        yield server


@pytest.fixture(scope="module")
async def client(server: Keeping) -> AsyncIterator[Client]:
    async with server.client(**AT_ONCE) as client:
        yield client


@pytest.fixture(scope="module")
async def another(server: Keeping) -> AsyncIterator[Client]:
    """Another server of the same home."""
    async with server.client() as client:
        yield client


async def checking(client: Client, **given: Any) -> str:
    """The id of a check that goes on beside its call."""
    told = await answer(client, "start_job", kind="profiles", **given)
    assert (told["done"], told["state"]) == (False, "checking"), told
    return told["job"]


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if holds():
            return
        await anyio.sleep(0.02)
    raise AssertionError


def without_token(held: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if name not in ("confirmation", "check")}


async def test_what_is_found_is_told_in_full_with_a_token_by_any_server(
    client: Client, another: Client, server: Keeping
) -> None:
    call = {**TO_PEOPLE, "file": "people.csv", "bad_rows": "skip"}
    at_once = await answer(another, "start_job", **call)
    job = (await answer(client, "start_job", **call))["job"]
    found = await ended(another, job)
    assert without_token(found) == without_token(at_once)
    assert found["check"] == {**at_once["check"], "rejected_rows": f"klaviyo://jobs/{job}/rejected.csv"}
    again = await answer(client, "get_job", job=job)
    assert again["confirmation"]["token"] != found["confirmation"]["token"]
    before = server.posted()
    begun = await answer(another, "confirm_action", token=found["confirmation"]["token"])
    assert begun["job"] == job, "nothing is checked twice"
    assert (await ended(client, job))["state"] == "done"
    assert server.posted() == before + 1
    late = await answer(client, "confirm_action", token=again["confirmation"]["token"])
    assert "begun already" in late["error"]["message"]


async def test_it_is_followed_and_a_second_call_joins_it(client: Client, another: Client) -> None:
    job = await checking(client, file="long.csv")
    assert await checking(client, file="long.csv") == job
    assert await checking(another, file="long.csv") == job
    assert (await answer(another, "get_job", job=job))["state"] == "checking"
    listed = await answer(client, "get_jobs", only="checking")
    assert [(one["job"], one["file"]) for one in listed["records"]] == [(job, "long.csv")]
    told: list[str] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    over = await another.call_tool("wait_for_job", {"job": job, "seconds": 50}, progress_callback=heard)
    assert (over.structured_content or {})["check"]["good"] == 90_000
    assert any("rows are checked" in words for words in told)
    text = over.content[0].text  # pyright: ignore[reportAttributeAccessIssue] - ours is text
    assert text.startswith("NOT DONE YET, nothing was sent: start_job")
    assert await checking(client, file="long.csv") != job, "what was heard is not told for a later file of that name"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"rows": [{"email": "ada@example.org"}, {"email": "nobody"}]}, "rows_not_good", "1 of 2 rows does not pass"),
        ({"rows": [{"email": "ada@example.org"}], "columns": {"email": "no.such"}}, "not_possible", "no.such"),
        ({"file": "not-there.csv"}, "not_possible", "There is no file"),
    ],
    ids=["rows", "columns", "file"],
)
async def test_what_is_wrong_is_told_at_the_end(client: Client, given: dict[str, Any], code: str, words: str) -> None:
    told = await answer(client, "start_job", kind="profiles", **given)
    problem = await ended(client, told["job"]) if told.get("state") == "checking" else told
    assert problem["error"]["code"] == code, problem
    assert words in problem["error"]["message"]
    assert "changed" in problem["error"]["outcome"] or "Nothing was sent" in problem["error"]["outcome"]


async def test_it_is_ended_by_another_server_or_dies_with_its_own(another: Client, server: Keeping) -> None:
    async with server.client(**AT_ONCE) as leaving:
        job = await checking(leaving, file="long.csv", constants={"properties.a": 1})
        assert (await answer(another, "cancel_job", job=job))["state"] == "cancelled"
        lost = await checking(leaving, file="long.csv", constants={"properties.a": 2})
        (worker,) = server.kept("worker FROM klaviyo_jobs WHERE id = ?", lost)
        os.kill(int(worker.split(".")[1]), signal.SIGKILL)
    before = server.posted()
    over = await ended(another, lost)
    assert over["state"] == "cancelled"
    assert "nothing was sent" in over["reason"]
    assert "start_job again" in over["reason"]
    assert (await answer(another, "get_job", job=job))["state"] == "cancelled"
    assert server.posted() == before


async def test_where_nobody_has_to_agree_it_begins_by_itself(server: Keeping) -> None:
    async with server.client("--confirm", "never", **AT_ONCE) as client:
        told = await answer(client, "start_job", kind="profiles", rows=[{"email": "by-itself@example.com"}])
        assert told["state"] == "checking"
        assert (await ended(client, told["job"]))["state"] == "done"


async def test_a_call_that_is_given_up_ends_its_check_and_leaves_nothing(another: Client, server: Keeping) -> None:
    jobs = "count(*) FROM klaviyo_jobs"
    await answer(another, "get_jobs")  # from now on there is a database
    before = server.kept(jobs)
    async with anyio.create_task_group() as calls:
        given = {"kind": "profiles", "file": "long.csv", "constants": {"properties.a": 3}}
        calls.start_soon(another.call_tool, "start_job", given)
        await until(lambda: server.kept(jobs) != before)
        calls.cancel_scope.cancel()
    await until(lambda: server.kept(jobs) == before)
    assert server.kept("count(*) FROM klaviyo_job_chunks WHERE job NOT IN (SELECT id FROM klaviyo_jobs)") == (0,)
