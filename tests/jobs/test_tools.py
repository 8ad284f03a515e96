"""Jobs as tools: what is shown before anything is sent, what a yes begins, how it is followed, and what is refused."""

import csv
import io
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from tests.end_to_end.conftest import http_server as http_server

from klaviyo_mcp.jobs.export_kind import load_export_kinds
from klaviyo_mcp.jobs.kind import load_kinds
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.job_words import PLACES
from klaviyo_mcp.runtime.klaviyo_jobs import reading, started
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

PEOPLE = "E-Mail;Vorname;Telefon\nada@example.org;Ada;0170 5550101\nBob@Example.org;Bob;\nnobody;Eve;\n"
TO_PEOPLE = {"kind": "profiles", "region": "DE"}


class Server:
    """A server on a home, a folder of files and a Klaviyo; `environment` is how it is started."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.files = url, folder / "files"
        self.files.mkdir()
        (self.files / "people.csv").write_text(PEOPLE)
        (folder / "secret.csv").write_text(PEOPLE)
        (self.files / "out.csv").symlink_to(folder / "secret.csv")
        self.environment = {
            **os.environ,
            "KLAVIYO_BASE_URL": url,
            "KLAVIYO_API_KEY": API_KEY,
            "KLAVIYO_COMPANY_ID": COMPANY_ID,
            "KLAVIYO_MCP_HOME": str(folder / "home"),
            "KLAVIYO_MCP_FILES": str(self.files),
        }

    @asynccontextmanager
    async def client(self, *flags: str, **environment: str) -> AsyncGenerator[Client]:
        words = ["-m", "klaviyo_mcp", "serve", "--expose", "all", *flags]
        start = StdioServerParameters(command=sys.executable, args=words, env={**self.environment, **environment})
        async with Client(start) as client:
            yield client

    def posted(self, path: str = "") -> int:
        """How many requests have changed something, or might have."""
        listed = httpx2.get(f"{self.url}/_sandbox/requests").json()
        return sum(one["method"] == "POST" and path in one["path"] for one in listed)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(create_app(rate_limits=False, profiles=3, job_seconds=0.1)) as url:
        yield Server(url, tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
async def client(server: Server) -> AsyncIterator[Client]:
    async with server.client() as client:
        yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


async def begun(client: Client, tool: str = "start_job", **arguments: Any) -> str:
    """The id of a job that was shown, and agreed to."""
    held = await answer(client, tool, **arguments)
    return (await answer(client, "confirm_action", token=held["confirmation"]["token"]))["job"]


async def ended(client: Client, job: str, **more: Any) -> dict[str, Any]:
    return await answer(client, "wait_for_job", job=job, seconds=30, **more)


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    return content.text  # pyright: ignore[reportAttributeAccessIssue] - all of ours are texts


async def test_rows_that_do_not_pass_are_shown_and_nothing_is_sent(client: Client, server: Server) -> None:
    before = server.posted()
    result = await client.call_tool("start_job", {**TO_PEOPLE, "file": "people.csv"})
    error = (result.structured_content or {})["error"]
    assert (error["code"], server.posted()) == ("rows_not_good", before)
    check = error["found"]["check"]
    assert (check["rows"], check["good"], check["not_good"]) == (3, 2, 1)
    assert check["columns"] == {"E-Mail": "email", "Vorname": "first_name", "Telefon": "phone_number"}
    assert check["problems"][0]["lines"] == [4]
    assert "bad_rows skip" in error["next_step"]
    # What stands in the file is nobody's instruction.
    assert "⟦E-Mail⟧" in result.content[0].text  # pyright: ignore[reportAttributeAccessIssue]
    assert "nobody" in await read(client, check["rejected_rows"])


async def test_a_yes_begins_what_was_shown_once_and_its_end_is_waited_for(client: Client, server: Server) -> None:
    call = {**TO_PEOPLE, "file": "people.csv", "bad_rows": "skip", "constants": {"properties.source": "expo"}}
    held = await answer(client, "start_job", **call)
    assert held["effect"] == "write"
    assert held["reaches"] == 2
    assert held["example"]["item"]["phone_number"] == "+491705550101"
    before = server.posted("/api/profile-bulk-import-jobs")
    # The draft is what was read, whatever becomes of the file.
    (server.files / "people.csv").write_text("E-Mail\nother@example.org\n")
    begins = await answer(client, "confirm_action", token=held["confirmation"]["token"])
    told: list[str] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    arguments = {"job": begins["job"]}
    over = await client.call_tool("wait_for_job", arguments, progress_callback=heard)
    (server.files / "people.csv").write_text(PEOPLE)
    done = over.structured_content or {}
    assert (done["state"], done["progress"]["settled"]) == ("done", 2)
    assert any("of 2 rows are done" in words for words in told)
    assert server.posted("/api/profile-bulk-import-jobs") == before + 1
    (row,) = csv.DictReader(io.StringIO(await read(client, done["report"][0])))
    assert (row["E-Mail"], row["_line"]) == ("nobody", "4")
    assert (await read(client, done["report"][1])).count('"result": "done"') == 2
    again = await answer(client, "confirm_action", token=held["confirmation"]["token"])
    assert "begun already" in again["error"]["message"]
    assert server.posted("/api/profile-bulk-import-jobs") == before + 1


async def test_rows_of_the_call_of_a_report_and_of_klaviyos_refusals(client: Client) -> None:
    rest = {"title": "T", "description": "D", "url": "https://shop.test/"}
    rows = [{"external_id": f"T{number}", **rest} for number in range(3)]
    await ended(client, await begun(client, kind="catalog-items-create", rows=rows[1:2]))
    job = await begun(client, kind="catalog-items-create", rows=rows)
    done = await ended(client, job)
    (group,) = done["did_not_get_in"]
    assert (group["said_by"], group["rows"], group["lines"]) == ("klaviyo", 1, [2])
    uri = f"klaviyo://jobs/{job}/rejected.csv"
    assert "T1" in await read(client, uri)
    for source in ({"failed_rows_of": job}, {"resource": uri}):
        held = await answer(client, "start_job", kind="catalog-items-create", **source)
        assert (held["reaches"], held["example"]["item"]["external_id"]) == (1, "T1")
    theirs = await answer(client, "bulk_delete_catalog_items", item_ids=["$custom:::$default:::T1"])
    theirs = await answer(client, "confirm_action", token=theirs["confirmation"]["token"])
    own = await ended(client, theirs["record"]["id"], of="bulk_delete_catalog_items")
    assert own["record"]["status"] == "complete"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"file": "../secret.csv"}, "no path inside the opened folder"),
        ({"file": "/etc/passwd"}, "no path inside the opened folder"),
        ({"file": "out.csv"}, "no path inside the opened folder"),
        ({"file": "nothing.csv"}, "There is no file 'nothing.csv'"),
        ({"resource": "klaviyo://answers/none.csv"}, "No answer with records is kept"),
        ({"upload": "upload-1"}, "takes no uploads"),
        ({"rows": [{"email": "a@example.org"}], "options": {"lists": "x"}}, "There is no option 'lists'"),
        ({"rows": [{"email": "a@example.org"}], "options": {"list": "Newsletter"}}, "The option list does not fit"),
        ({"rows": [{"email": "a@example.org"}], "region": "XX"}, "XX"),
        ({}, "start_job was not called"),
    ],
)
async def test_what_cannot_be_read_is_refused(client: Client, server: Server, call: dict[str, Any], says: str) -> None:
    before = server.posted()
    error = (await answer(client, "start_job", kind="profiles", **call))["error"]
    assert says in error["message"] + str(error.get("problems"))
    assert "--" not in error["message"] + error["next_step"]
    assert server.posted() == before


async def test_an_export_that_paused_tells_why_and_is_ended(client: Client, server: Server) -> None:
    fault = [{"operation": "get_profiles", "fault": "html", "status": 403, "count": 1}]
    httpx2.post(f"{server.url}/_sandbox/faults", json=fault).raise_for_status()
    paused = await ended(client, (await answer(client, "start_export", kind="profiles"))["job"])
    assert paused["state"] == "paused"
    assert paused["reason"]
    assert (await answer(client, "cancel_job", job=paused["job"]))["state"] == "cancelled"
    again = await answer(client, "cancel_job", job=paused["job"])
    assert "is cancelled, and cannot be cancelled any more" in again["error"]["message"]


async def test_an_export_is_kept_or_written_and_replaces_nothing(client: Client, server: Server) -> None:
    kept = await answer(client, "start_export", kind="profiles")
    done = await ended(client, kept["job"])
    table = list(csv.DictReader(io.StringIO(await read(client, done["report"][0]))))
    assert len(table) == done["progress"]["rows"] > 0
    file = await answer(client, "start_export", kind="profiles", file="all.jsonl")
    await ended(client, file["job"])
    assert (server.files / "all.jsonl").read_text().count("\n") >= len(table)
    again = await answer(client, "start_export", kind="profiles", file="all.jsonl")
    assert "files are not replaced" in again["error"]["next_step"]
    listed = await answer(client, "get_files")
    assert [one["path"] for one in listed["records"]] == ["all.jsonl", "people.csv"]


async def test_a_job_is_only_its_accounts_and_none_of_this_server_needs_an_of(client: Client) -> None:
    missing = await answer(client, "get_job", job="00000000-000000")
    assert "There is no job" in missing["error"]["message"]
    with pytest.raises(MCPError, match="No job of this id"):
        await client.read_resource("klaviyo://jobs/00000000-000000/rejected.csv")


async def test_a_job_that_a_server_left_is_gone_on_with_paused_resumed_and_cancelled(tmp_path: Path) -> None:
    with serve(create_app(rate_limits=False, profiles=3, job_seconds=1.5)) as url:
        server = Server(url, tmp_path)
        async with server.client() as client:
            job = await begun(client, **TO_PEOPLE, file="people.csv", bad_rows="skip")
            assert (await answer(client, "wait_for_job", job=job, seconds=1))["state"] == "running"
            call = {"kind": "profiles", "rows": [{"email": "b@example.org"}]}
            token = (await answer(client, "start_job", **call))["confirmation"]["token"]
        async with server.client() as client:
            assert (await ended(client, job))["state"] == "done"
            assert server.posted("/api/profile-bulk-import-jobs") == 1
            # What one process has shown another one begins, where the call is repeated.
            agreed = await answer(client, "confirm_action", token=token, action="start_job", arguments=call)
            other = agreed["job"]
            await answer(client, "pause_job", job=other)
            paused = await ended(client, other)
            assert (paused["state"], "asked to pause" in paused["reason"]) == ("paused", True)
            assert (await answer(client, "resume_job", job=other))["state"] == "running"
            await answer(client, "cancel_job", job=other)
            assert (await ended(client, other))["state"] == "cancelled"
            listed = await answer(client, "get_jobs")
            assert [one["state"] for one in listed["records"]] == ["cancelled", "done"]


@pytest.mark.parametrize(("flags", "code"), [(["--read-only"], "read_only"), ([], "policy")])
async def test_a_kind_is_begun_only_where_its_action_may_be_called(
    server: Server, tmp_path: Path, flags: list[str], code: str
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nrules: [{name: none, actions: [bulk_import_profiles], forbid: true}]\n")
    more = {} if flags else {"KLAVIYO_MCP_POLICY": str(policy)}
    async with server.client(*flags, **more, KLAVIYO_MCP_CONFIRM="never", KLAVIYO_MCP_FILES="") as client:
        before = server.posted()
        refused = await answer(client, "start_job", kind="profiles", rows=[{"email": "a@example.org"}])
        assert refused["error"]["code"] == code
        assert "No folder is opened" in (await answer(client, "get_files"))["error"]["message"]
        assert server.posted() == before


async def test_over_http_and_without_the_words_of_customers(server: Server, http_server: Any) -> None:
    flags = ["--no-user-content", "--confirm", "never"]
    with http_server(server.environment, *flags) as url:
        async with Client(f"{url}/mcp") as client:
            job = (await answer(client, "start_job", **TO_PEOPLE, file="people.csv", bad_rows="skip"))["job"]
            done = await ended(client, job)
            assert "user_content_left_out" in done
            assert (await read(client, f"klaviyo://jobs/{job}/rejected.csv")).startswith("_line,_reason,_what_to_do")
            assert "nobody" not in str(done)


def test_specs_and_kinds_say_the_same(registry: Registry) -> None:
    start, export, get = (registry[name].spec for name in ("start_job", "start_export", "get_job"))
    assert start.properties["kind"]["enum"] == [*load_kinds()]
    strong = [kind.name for kind in load_kinds().values() if registry[kind.action].effect == "destructive"]
    assert start.effect_when[0].when["kind"] == strong
    assert export.properties["kind"]["enum"] == [*load_export_kinds()]
    assert {name for kind in load_export_kinds().values() for name in kind.options} <= export.properties.keys()
    reading_of_files = {f"reading.{name}" for name in start.properties["reading"]["properties"]}
    taken = reading_of_files | start.properties.keys() | export.properties.keys()
    assert {place.split()[0] for place in PLACES.values()} <= taken
    assert get.properties["of"]["enum"] == started(registry)
    assert get.properties["of"] == registry["wait_for_job"].spec.properties["of"]
    endable = [action.name for action in registry.actions if action.spec.result.ends]
    assert registry["cancel_job"].spec.properties["of"]["enum"] == endable
    assert all(kind.follow is None or reading(registry, kind.action) for kind in load_kinds().values())
