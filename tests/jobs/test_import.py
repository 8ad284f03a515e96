"""`klaviyo-mcp import` and `klaviyo-mcp jobs`: what is told, what is sent, and what is refused."""

import json
from pathlib import Path

import httpx2
import pytest
from tests.jobs.conftest import Jobs

PEOPLE = "E-Mail;Vorname;Telefon;Punkte\nada@example.org;Ada;0170 5550101;7\nBob@Example.org;Bob;;8\nnobody;Eve;;9\n"


@pytest.fixture
def people(jobs: Jobs) -> str:
    (jobs.folder / "people.csv").write_text(PEOPLE)
    return "people.csv"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--dry-run"], 0, "Nothing was sent: this was a dry run."),
        (["--yes"], 1, "Nothing was sent: 1 row does not pass."),
        (["--bad-rows", "skip"], 1, "Look at what it does, then add --yes."),
        (["--yes", "--option", "lists=x"], 1, "There is no option 'lists'"),
        (["--yes", "--bad-rows", "skip", "--list", "name:No such list"], 1, "No such list"),
        (["--yes", "--bad-rows", "skip", "--option", "list=Newsletter"], 1, "The option list does not fit"),
        (["--yes", "--bad-rows", "skip", "--list", "ZZZZZZ"], 1, "nothing with the id 'ZZZZZZ' exists in this account"),
        (["--dry-run", "--dates", "dmy"], 1, "dates cannot be 'dmy'"),
    ],
)
def test_nothing_is_sent_without_all_that_is_needed(
    jobs: Jobs, people: str, words: list[str], code: int, says: str
) -> None:
    assert says in jobs.run("import", "profiles", people, "--region", "DE", *words, code=code)
    assert jobs.seen("POST") == 0
    assert jobs.listed() == []


def test_a_refusal_is_json_where_that_is_asked_for(jobs: Jobs, people: str) -> None:
    told = json.loads(jobs.run("import", "profiles", people, "--region", "DE", "--yes", "--json", code=1, whole=False))
    assert (told["sent"], told["checked"]["rejected"]) == (False, 1)


def test_people_get_in_and_the_report_tells_who_did_not(jobs: Jobs, people: str) -> None:
    listed = jobs.read("/api/lists")[0]
    words = ["--region", "DE", "--list", f"name:{listed['attributes']['name']}", "--bad-rows", "skip", "--yes"]
    told = jobs.run("import", "profiles", people, *words)
    assert "It reaches 2 people by bulk_import_profiles, in 1 request." in told
    members = {
        one["attributes"]["email"]: one["attributes"] for one in jobs.read(f"/api/lists/{listed['id']}/profiles")
    }
    assert members["ada@example.org"]["phone_number"] == "+491705550101"
    assert members["bob@example.org"]["properties"]["Punkte"] == 8
    assert jobs.results(people) == [(2, "done"), (3, "done"), (4, "rejected")]
    rejected = (jobs.folder / "people.csv.report" / "rejected.csv").read_text().splitlines()
    assert rejected[0] == "E-Mail,Vorname,Telefon,Punkte,_line,_reason,_what_to_do"
    assert rejected[1].startswith("nobody,Eve,,9,4,E-Mail: ")


def test_what_klaviyo_refuses_comes_back_to_its_row_and_can_be_sent_again(jobs: Jobs) -> None:
    rows = [
        {"external_id": f"S{one}", "title": "T", "description": "D", "url": "https://shop.test/"} for one in range(3)
    ]
    file = "items.json"
    (jobs.folder / file).write_text(json.dumps(rows))  # all of them in one line
    jobs.run("import", "catalog-items-create", jobs.write("first.jsonl", rows[1:2]), "--yes")
    jobs.run("import", "catalog-items-create", file, "--yes")
    assert jobs.results(file) == [(1, "done"), (2, "failed"), (3, "done")]
    (id,) = [one["job"] for one in jobs.listed() if one["file"] == file]
    httpx2.delete(
        f"{jobs.url}/api/catalog-items/$custom:::$default:::S1",
        headers={"Authorization": f"Klaviyo-API-Key {jobs.environment['KLAVIYO_API_KEY']}", "revision": "2026-07-15"},
    ).raise_for_status()
    jobs.run("jobs", "retry-failed", id, "--yes")
    assert len([one for one in jobs.read("/api/catalog-items") if one["id"].endswith((":S0", ":S1", ":S2"))]) == 3


def test_a_job_is_paused_resumed_by_its_own_file_alone_and_cancelled(jobs: Jobs, people: str) -> None:
    listing = ["--region", "DE", "--bad-rows", "skip", "--yes"]
    jobs.run("import", "profiles", people, *listing, "--detach")
    (job,) = jobs.listed()
    assert (job["state"], jobs.seen("POST")) == ("queued", 0)
    jobs.run("jobs", "pause", job["job"])
    other = jobs.folder / "other.csv"
    other.write_text(PEOPLE + "eve@example.org;Eve;;1\n")
    refused = jobs.run("jobs", "resume", job["job"], "--file", "other.csv", code=1)
    assert "other.csv is not the file" in refused
    assert "home is a folder" in jobs.run("jobs", "resume", job["job"], "--file", "home", code=1)
    other.replace(jobs.folder / people)
    assert "was made from other contents" in jobs.run("import", "profiles", people, *listing, code=1)
    assert jobs.seen("POST") == 0
    jobs.run("jobs", "resume", job["job"])
    assert jobs.results(people)[:2] == [(2, "done"), (3, "done")]
    jobs.run("import", "profiles", people, *listing, "--detach")
    jobs.run("jobs", "cancel", jobs.listed()[0]["job"])
    assert [one["state"] for one in jobs.listed()] == ["cancelled", "done"]
    assert "there is nothing to go on with" in jobs.run("jobs", "resume", jobs.listed()[0]["job"], code=1)
    assert "Nothing was written" in jobs.run("jobs", "report", jobs.listed()[1]["job"], "--to", people, code=1)


@pytest.mark.parametrize("fault", [{"fault": "reset_after"}, {"fault": "status", "status": 503, "after": True}])
def test_what_was_done_though_its_answer_was_lost_is_not_done_again(jobs: Jobs, fault: dict[str, object]) -> None:
    rest = {"title": "T", "description": "D", "url": "https://shop.test/"}
    rows = [{"external_id": f"S{one}", **rest} for one in range(3)]
    faults = [{"operation": "bulk_create_catalog_items", "count": 1, **fault}]
    httpx2.post(f"{jobs.url}/_sandbox/faults", json=faults).raise_for_status()
    file = jobs.write("items.jsonl", rows)
    jobs.run("import", "catalog-items-create", file, "--yes")
    assert jobs.results(file) == [(1, "done"), (2, "done"), (3, "done")]
    assert jobs.seen("POST") == 1


def test_the_vaults_key_is_changed_under_an_unfinished_job(jobs: Jobs) -> None:
    jobs.run("import", "profiles", jobs.write("rekeyed.jsonl", [{"email": "rekeyed@example.com"}]), "--yes", "--detach")
    key = jobs.folder / "home" / "vault.key"
    before = key.read_text()
    assert "what jobs hold: 1 pieces" in jobs.run("accounts", "rekey")
    assert before.strip() not in key.read_text(), "the old one is not needed any more"
    assert "done" in jobs.run("jobs", "resume", jobs.kept()[-1][0])


def test_rows_with_very_many_values_go_in_more_requests(jobs: Jobs) -> None:
    rest = {"title": "T", "description": "D", "url": "https://shop.test/"}
    wide = {"custom_metadata": {f"k{one}": 1 for one in range(400)}}
    file = jobs.write("items.jsonl", [{"external_id": f"S{one}", **rest, **wide} for one in range(95)])
    assert "in 2 requests" in jobs.run("import", "catalog-items-create", file, "--yes")
    assert {result for _, result in jobs.results(file)} == {"done"}


def test_what_may_pass_is_waited_for_and_what_will_not_pauses(jobs: Jobs, people: str) -> None:
    failing = [{"operation": "bulk_import_profiles", "fault": "status", "status": 503, "count": 1}]
    httpx2.post(f"{jobs.url}/_sandbox/faults", json=failing).raise_for_status()
    jobs.run("import", "profiles", people, "--bad-rows", "skip", "--yes", "--region", "DE")
    denied = [{"operation": "bulk_import_profiles", "fault": "html", "status": 403, "count": 1}]
    httpx2.post(f"{jobs.url}/_sandbox/faults", json=denied).raise_for_status()
    told = jobs.run("import", "profiles", people, "--bad-rows", "skip", "--yes", "--region", "DE", code=1)
    assert "Go on with: klaviyo-mcp jobs resume" in told
    assert jobs.listed()[0]["state"] == "paused"
    # The same command goes on with it.
    jobs.run("import", "profiles", people, "--bad-rows", "skip", "--yes", "--region", "DE")
    assert [one["state"] for one in jobs.listed()] == ["done", "done"]


def test_a_row_that_a_rule_of_the_action_refuses_is_told_before_anything_is_sent(jobs: Jobs) -> None:
    rows = [{"email": "ada@example.org"}, {"email": "bob@example.org", "consented_at": "2020-01-01T00:00:00Z"}]
    words = ("--list", jobs.read("/api/lists")[0]["id"], "--option", "historical=true", "--yes")
    words = ("import", "subscribe-email", jobs.write("people.jsonl", rows), *words)
    before = jobs.last()
    told = jobs.run(*words, code=1)
    assert "1 row (line 1): the column 'consented_at' is needed" in told
    assert "leave out the option historical" in told
    assert jobs.seen("POST", before) == 0
    assert "for line 2" in jobs.run(*words, "--bad-rows", "skip")
    assert jobs.results("people.jsonl") == [(1, "rejected"), (2, "done")]


def test_what_cannot_be_looked_up_beforehand_says_that_nothing_was_sent(jobs: Jobs) -> None:
    """An answer that cannot be read is of something that is done, but not where it was only looked."""
    garbled = [{"operation": "get_profiles_for_list", "fault": "deep"}]
    httpx2.post(f"{jobs.url}/_sandbox/faults", json=garbled).raise_for_status()
    file = jobs.write("people.jsonl", [{"email": "ada@example.org"}])
    told = jobs.run("import", "unsubscribe-email", file, "--list", jobs.read("/api/lists")[0]["id"], "--yes", code=1)
    assert "Nothing was sent.\nNext: Give the same command again" in told


def test_no_row_of_a_person_lies_open_at_rest(jobs: Jobs, people: str) -> None:
    jobs.run("import", "profiles", people, "--bad-rows", "skip", "--yes", "--region", "DE", "--detach")
    kept = b"".join(path.read_bytes() for path in Path(jobs.folder, "home", "jobs").rglob("*") if path.is_file())
    assert b"people.csv" in kept
    assert b"ada@" not in kept
    assert b"nobody" not in kept


def test_a_list_of_tools_loads_no_engine(jobs: Jobs) -> None:
    script = "import sys, klaviyo_mcp.cli.main as main; main.load([]); print(json.dumps([*sys.modules]))"
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", f"import json; {script}"], capture_output=True, text=True, check=True)
    assert not {"dbos", "sqlalchemy", "psycopg"} & set(json.loads(done.stdout))
