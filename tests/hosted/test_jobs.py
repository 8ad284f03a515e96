"""Jobs of companies at the hosted service: begun by an agent with an uploaded file or rows, and never another's."""

import gzip
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.hosted.driving import App, Browser, Form, new_app
from tests.hosted.processes import Instance, free_port, one_instance
from tests.hosted.test_uploads import CSV, ids, upload

ADDRESSES = [{"email": f"person-{number}@example.com"} for number in range(400)]
"""Four chunks of `unsuppress`."""
SLOWLY = {"operation": "bulk_unsuppress_profiles", "fault": "latency", "seconds": 1}


@pytest.fixture(scope="module")
def service(klaviyo: Any, home: Path) -> Iterator[tuple[str, Instance]]:
    klaviyo.begin()
    given = {"KLAVIYO_MCP_METRICS_PORT": str(free_port()), "KLAVIYO_MCP_UPLOAD_MB": "1"}
    with one_instance(klaviyo, home, **given) as started:
        yield started


def start(app: App, *, at: str | None = None, **given: Any) -> dict[str, Any]:
    """What starting a job is answered with: what it would do, and a token; or an error."""
    return app.ask("run_write_action", at=at, action="start_job", arguments={"kind": "profiles", **given})


def begun(app: App, *, at: str | None = None, **given: Any) -> str:
    """The id of a job that was started and confirmed."""
    shown = start(app, at=at, **given)
    assert shown.get("done") is False, shown
    done = app.ask("confirm_action", at=at, token=shown["confirmation"]["token"])
    assert "error" not in done, done
    return done["job"]


def slow_job(app: App, klaviyo: Any, at: str | None = None) -> str:
    """The id of a job that has sent something, and has more to send."""
    klaviyo.fail(SLOWLY)
    job = begun(app, at=at, kind="unsuppress", rows=ADDRESSES)
    until(lambda: app.call("get_job", job=job)["progress"]["sent"] > 0)
    return job


def over(app: App, job: str) -> dict[str, Any]:
    """All of a job, once it does not run any more."""
    for _ in range(3):
        if (found := app.call("wait_for_job", job=job, seconds=20))["state"] not in ("running", "queued"):
            break
    return found


def run(service: tuple[str, Instance], *words: str) -> str:
    """What an operator's command says."""
    command = [sys.executable, "-m", "klaviyo_mcp", *words]
    done = subprocess.run(command, env=service[1].environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_an_agent_imports_the_file_that_a_person_has_uploaded(app: App, url: str) -> None:
    app.connected()
    person = Browser(url)
    person.connect()
    upload(person, "fair.csv", CSV)
    id = ids(person)[0]
    listed = app.call("get_files")["records"]
    assert [one["upload"] for one in listed] == ids(person)
    assert listed[0]["name"] == "fair.csv"
    shown = start(app, upload=id)
    assert (shown["check"]["good"], shown["check"]["source"]) == (2, "fair.csv")
    done = app.ask("confirm_action", token=shown["confirmation"]["token"])
    assert over(app, done["job"])["state"] == "done"
    upload(person, "bomb.csv.gz", gzip.compress(b"email,notes\n" + (b"a@example.com," + b"x" * 50_000 + b"\n") * 220))
    bomb = start(app, upload=ids(person)[0])["error"]
    assert "bomb.csv.gz unpacks to more than 10 MB" in bomb["message"]
    by_path = start(app, file="/etc/passwd")["error"]
    assert f"{url}/uploads" in by_path["next_step"], by_path


def test_a42_a_level_bounds_which_jobs_are_begun_and_confirmed(app: App, url: str) -> None:
    app.connected()
    reader, marketer = (new_app(url).connected(level=f"klaviyo:{level}") for level in ("read", "marketing"))
    call = {"name": "run_write_action", "arguments": {"action": "start_job", "arguments": {"kind": "profiles"}}}
    assert reader.mcp("tools/call", call).status_code == 403
    token = start(app, rows=ADDRESSES[:2])["confirmation"]["token"]
    assert "error" in reader.ask("confirm_action", token=token)
    too_high = start(marketer, kind="catalog-items-create", rows=ADDRESSES[:1])["error"]
    assert too_high["code"] == "scope_missing", too_high
    assert "error" not in marketer.ask("confirm_action", token=token), "another of the same company may agree to it"
    assert reader.call("get_jobs")["records"], "and all of the company may look"


def test_a41_another_company_finds_neither_job_nor_report_nor_upload(app: App, url: str, klaviyo: Any) -> None:
    app.connected()
    person, other = Browser(url), new_app(url).connected("OTHER1")
    person.connect()
    upload(person, "fair.csv", CSV)
    bad = start(app, rows=[*ADDRESSES[:2], {"email": "nobody"}], bad_rows="skip")
    job = app.ask("confirm_action", token=bad["confirmation"]["token"])["job"]
    over(app, job)
    assert job in {one["job"] for one in app.call("get_jobs")["records"]}
    assert job not in {one["job"] for one in other.call("get_jobs")["records"]}
    assert other.call("get_files")["records"] == []
    for name in ("get_job", "resume_job", "pause_job", "cancel_job"):
        run = "run_read_action" if name == "get_job" else "run_write_action"
        answer = other.ask(run, action=name, arguments={"job": job})
        assert "There is no job" in answer["error"]["message"], answer
    assert "There is no upload" in start(other, upload=ids(person)[0])["error"]["message"]
    report = {"uri": f"klaviyo://jobs/{job}/rejected.csv"}
    assert "nobody" in app.mcp("resources/read", report).text
    assert "nobody" not in other.mcp("resources/read", report).text


def test_a43_a_job_pauses_when_its_connection_goes_and_another_of_the_company_resumes_it(
    app: App, url: str, klaviyo: Any
) -> None:
    app.connected("OTHER1")
    sibling, person = new_app(url, client_name="Sibling").connected("OTHER1"), Browser(url)
    person.connect("OTHER1")
    job = slow_job(app, klaviyo)
    assert app.post("/revoke", {"token": app.tokens["refresh_token"]}).status_code == 200
    paused = over(sibling, job)
    assert paused["state"] == "paused"
    assert "disconnected" in paused["reason"]
    assert "resume_job" in paused["reason"]
    klaviyo.fail()
    resumed = sibling.ask("run_write_action", action="resume_job", arguments={"job": job})
    assert "error" not in resumed, resumed
    assert over(sibling, job)["state"] == "done"


def test_an_operator_sees_whose_jobs_there_are_and_resumes_one(
    app: App, service: tuple[str, Instance], klaviyo: Any
) -> None:
    app.connected("OTHER1")
    job = slow_job(app, klaviyo)

    assert "error" not in app.ask("run_write_action", action="pause_job", arguments={"job": job})
    assert over(app, job)["state"] == "paused"
    listed = {words[0]: words for words in map(str.split, run(service, "jobs", "list").splitlines())}
    assert "OTHER1" in listed[job]
    klaviyo.fail()
    assert "within seconds" in run(service, "jobs", "resume", job)
    assert over(app, job)["state"] == "done"


def test_a_company_has_so_many_jobs_at_a_time(app: App, klaviyo: Any) -> None:
    app.connected("OTHER1")
    klaviyo.fail({**SLOWLY, "seconds": 2})
    jobs = [begun(app, kind="unsuppress", rows=[{"email": f"{number}@example.com"}]) for number in range(3)]
    refused = start(app, kind="unsuppress", rows=ADDRESSES[:1])["error"]
    assert "as many as there may be" in refused["message"]
    exported = app.ask("run_read_action", action="start_export", arguments={"kind": "profiles"})["error"]
    assert "as many as there may be" in exported["message"]
    klaviyo.fail()
    assert {over(app, job)["state"] for job in jobs} == {"done"}


def test_with_the_last_connection_the_jobs_of_the_company_go(app: App, url: str, klaviyo: Any) -> None:
    app.connected("OTHER1")
    person = Browser(url)
    person.connect("OTHER1")
    job = slow_job(app, klaviyo)
    csrf = Form(person.http.get("/manage").text).fields["csrf"]
    assert person.http.post("/manage/remove", data={"csrf": csrf}).status_code == 303
    again = new_app(url).connected("OTHER1")
    assert "There is no job" in again.ask("get_job", job=job)["error"]["message"]


def test_what_a_company_had_is_swept_once_the_operator_has_ended_its_grants(
    app: App, service: tuple[str, Instance], home: Path
) -> None:
    app.connected("OTHER1")
    person = Browser(service[0])
    person.connect("OTHER1")
    upload(person, "fair.csv", CSV)
    other = new_app(service[0]).connected("DEMO01")
    job, theirs = (begun(each, kind="unsuppress", rows=ADDRESSES[:1]) for each in (app, other))
    over(other, theirs)
    run(service, "hosted", "revoke", "--account", "OTHER1", "--yes")
    run(service, "hosted", "sweep")
    with sqlite3.connect(home / "jobs" / "jobs.sqlite") as database:
        assert database.execute("SELECT count(*) FROM klaviyo_uploads WHERE company = 'OTHER1'").fetchone() == (0,)
        left = {id for (id,) in database.execute("SELECT id FROM klaviyo_jobs")}
    assert job not in left
    assert theirs in left, "those of others stay"


def test_measurements_and_logs_say_how_many_and_nothing_of_rows(app: App, service: tuple[str, Instance]) -> None:
    app.connected()
    assert over(app, begun(app, kind="unsuppress", rows=ADDRESSES[:1]))["state"] == "done"
    page = httpx2.get(f"http://127.0.0.1:{service[1].environment['KLAVIYO_MCP_METRICS_PORT']}/metrics").text
    assert re.search(r'klaviyo_mcp_jobs\{[^}]*state="done"[^}]*\} [1-9]', page), page
    assert "DEMO01" not in page
    told = "".join(service[1].said)
    assert "jobs" in told
    assert "example.com" not in told
    assert "Traceback" not in told
