"""Exports of companies: begun by an agent, kept sealed, had as a resource and on the page, and never another's.

And checks of uploads, which this service lets outlast their calls at once.
"""

import csv
import io
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.hosted.driving import App, Browser, Form, new_app
from tests.hosted.processes import Instance, one_instance
from tests.hosted.test_jobs import over, until
from tests.hosted.test_uploads import CSV, ids, upload

DOWNLOAD = re.compile(r'href="(/exports/([0-9a-f-]+)(?:\?for=excel)?)"')
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def service(klaviyo: Any, home: Path) -> Iterator[tuple[str, Instance]]:
    klaviyo.begin()
    with one_instance(klaviyo, home, KLAVIYO_MCP_EXPORT_MB="1", KLAVIYO_MCP_CHECK_WAIT="0") as started:
        yield started


Made = tuple[App, Browser, dict[str, Any]]


@pytest.fixture(scope="module")
def made(klaviyo: Any, service: tuple[str, Instance]) -> Made:
    """An agent, a person of the same company, and an export of its people that is over."""
    app, person = new_app(service[0]).connected(), Browser(service[0])
    person.connect()
    eve = {"email": "eve@example.com", "title": FORMULA}
    klaviyo_says = app.call("run_write_action", action="create_profile", arguments=eve)
    assert klaviyo_says.get("done") is not False, klaviyo_says
    a_second_passes()
    return app, person, over(app, exported(app))


def a_second_passes() -> None:
    """An export ends where the second begins in which it was asked for."""
    after = time.time() + 1
    until(lambda: time.time() > after)


def exported(app: App, **given: Any) -> str:
    return app.call("run_read_action", action="start_export", arguments={"kind": "profiles", **given})["job"]


def resource(app: App, uri: str) -> str:
    return app.mcp("resources/read", {"uri": uri}).text


def remove(browser: Browser, job: str, csrf: str = "") -> httpx2.Response:
    csrf = csrf or Form(browser.http.get("/exports").text).fields["csrf"]
    return browser.http.post("/exports/remove", data={"csrf": csrf, "export": job})


def test_what_an_agent_exports_is_a_resource_and_a_download(made: Made, url: str) -> None:
    app, person, job = made
    assert (job["state"], job["download"]) == ("done", f"{url}/exports"), job
    assert job["kept_until"] > job["changed"]
    page = person.http.get("/exports").text
    assert f"{job['progress']['rows']:,} rows" in page
    (for_excel, _), (as_it_is, id) = DOWNLOAD.findall(page)
    assert id == job["job"]
    got = person.http.get(as_it_is)
    assert got.headers["Content-Disposition"] == f'attachment; filename="profiles-{id}.csv"'
    assert got.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (got.headers["X-Content-Type-Options"], got.headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "sandbox" in got.headers["Content-Security-Policy"]
    rows = list(csv.DictReader(io.StringIO(got.text, newline="")))
    assert len(rows) == job["progress"]["rows"] == len({row["id"] for row in rows})
    assert FORMULA in {row["title"] for row in rows}
    (uri,) = job["report"]
    text = app.mcp("resources/read", {"uri": uri}).json()["result"]["contents"][0]["text"]
    assert text == got.text
    guarded = person.http.get(for_excel).content.decode("utf-8-sig")
    titles = {row["id"]: row["title"] for row in csv.DictReader(io.StringIO(guarded, newline=""))}
    assert titles == {row["id"]: row["title"].replace("=", "'=", 1) for row in rows}


def test_a45_nobody_else_gets_an_export(made: Made, url: str) -> None:
    _, person, job = made
    other, stranger, theirs = new_app(url).connected("OTHER1"), Browser(url), Browser(url)
    theirs.connect("OTHER1")
    assert "There is no job" in other.ask("get_job", job=job["job"])["error"]["message"]
    assert "eve@example.com" not in resource(other, job["report"][0])
    path = f"/exports/{job['job']}"
    assert stranger.http.get(path).headers["Location"] == "/?done=no_session"
    assert stranger.http.get("/exports").headers["Location"] == "/?done=no_session"
    assert theirs.http.get(path).status_code == 404
    assert job["job"] not in theirs.http.get("/exports").text
    csrf = Form(theirs.http.get("/manage").text).fields["csrf"]
    assert remove(theirs, job["job"], csrf).headers["Location"] == "/exports?done=gone"
    assert remove(person, job["job"], "made up").status_code == 403
    assert stranger.http.post("/exports/remove", data={"export": job["job"]}).status_code == 403
    assert person.http.get(path).status_code == 200, "it is still there"


def test_there_are_no_paths_and_no_parquet(made: Made, url: str) -> None:
    app, _, _ = made

    def refused(**given: Any) -> str:
        error = app.ask("run_read_action", action="start_export", arguments={"kind": "profiles", **given})["error"]
        return f"{error['message']} {error['next_step']}"

    assert f"{url}/exports" in refused(file="people.csv")
    assert "Give form csv or jsonl" in refused(form="parquet")


def test_an_export_of_jsonl_is_removed_by_the_person(made: Made, service: tuple[str, Instance], home: Path) -> None:
    app, person, _ = made
    job = over(app, exported(app, form="jsonl"))
    assert person.http.get(f"/exports/{job['job']}").text.count("\n") == job["progress"]["rows"]
    with sqlite3.connect(home / "jobs" / "jobs.sqlite") as database:
        lying = b"".join(body for (body,) in database.execute("SELECT body FROM klaviyo_export_pieces"))
        assert b"example.com" not in lying
        assert remove(person, job["job"]).headers["Location"] == "/exports?done=removed"
        assert remove(person, job["job"]).headers["Location"] == "/exports?done=gone"
        count = "SELECT count(*) FROM klaviyo_export_pieces WHERE job = ?"
        assert database.execute(count, (job["job"],)).fetchone() == (0,)
    assert "There is no job" in app.ask("get_job", job=job["job"])["error"]["message"]
    assert any("export_downloaded" in line for line in service[1].said)
    assert not [line for line in service[1].said if "Traceback" in line or "example.com" in line]


def test_a_check_of_an_upload_outlasts_its_call_and_is_the_companys_alone(made: Made, url: str) -> None:
    app, person, _ = made
    upload(person, "fair.csv", CSV)
    call = {"action": "start_job", "arguments": {"kind": "profiles", "upload": ids(person)[0]}}
    job = app.call("run_write_action", **call)["job"]
    other, reader = new_app(url).connected("OTHER1"), new_app(url).connected(level="klaviyo:read")
    assert "There is no job" in other.ask("wait_for_job", job=job)["error"]["message"]
    found = app.call("wait_for_job", job=job)
    assert (found["done"], found["check"]["good"], found["check"]["source"]) == (False, 2, "fair.csv")
    seen = reader.call("get_job", job=job)
    assert seen["state"] == "draft", "who may not begin it gets no token"
    assert "confirmation" not in seen
    token = found["confirmation"]["token"]
    assert "error" in other.ask("confirm_action", token=token)
    assert over(app, app.call("confirm_action", token=token)["job"])["state"] == "done"


def test_with_the_last_connection_the_exports_go(service: tuple[str, Instance], home: Path, klaviyo: Any) -> None:
    klaviyo.begin()
    app, person = new_app(service[0]).connected("OTHER1"), Browser(service[0])
    person.connect("OTHER1")
    job = over(app, exported(app))
    csrf = Form(person.http.get("/manage").text).fields["csrf"]
    assert person.http.post("/manage/remove", data={"csrf": csrf}).status_code == 303
    with sqlite3.connect(home / "jobs" / "jobs.sqlite") as database:
        count = "SELECT count(*) FROM klaviyo_export_pieces WHERE job = ?"
        assert database.execute(count, (job["job"],)).fetchone() == (0,)


def test_an_export_that_is_too_large_says_so_and_is_cancelled(
    service: tuple[str, Instance], home: Path, klaviyo: Any
) -> None:
    klaviyo.begin()
    app = new_app(service[0]).connected("OTHER1")
    rows = [{"email": f"large-{number}@example.com", "notes": "x" * 5_000} for number in range(300)]
    check = app.call("run_write_action", action="start_job", arguments={"kind": "profiles", "rows": rows})
    held = app.call("wait_for_job", job=check["job"]) if "job" in check else check
    assert over(app, app.call("confirm_action", token=held["confirmation"]["token"])["job"])["state"] == "done"
    a_second_passes()
    job = over(app, exported(app))
    assert job["state"] == "paused"
    assert "more than 1 MB" in job["reason"]
    assert "since and until" in job["reason"]
    cancelled = app.call("run_write_action", action="cancel_job", arguments={"job": job["job"]})
    assert cancelled["state"] == "cancelled"
    with sqlite3.connect(home / "jobs" / "jobs.sqlite") as database:
        count = "SELECT count(*) FROM klaviyo_export_pieces WHERE job = ?"
        assert database.execute(count, (job["job"],)).fetchone() == (0,)
