"""`call` for people and scripts: arguments by --set and from prompts, outputs, and what exit codes tell."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx2
import pytest
from tests.catalogue import REGISTRY
from tests.warm import COLD, PROGRAM

from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.cli.calling import FAILED, UNKNOWN, exit_code
from klaviyo_mcp.cli.setting import WrongSetting, arguments_of
from klaviyo_mcp.klaviyo.errors import InvalidRequest, RequestOutcome
from klaviyo_mcp.runtime.answering import Response
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

TERMINALS = sys.platform != "win32"


@pytest.mark.parametrize(
    ("action", "words", "arguments"),
    [
        ("create_list", ["name=5"], {"name": "5"}),
        ("get_lists", ["page_size=5"], {"page_size": 5}),
        ("get_lists", ["page_size=many"], {"page_size": "many"}),
        ("create_profile", ["location.city=Boston"], {"location": {"city": "Boston"}}),
        ("create_profile", ["properties.size=38"], {"properties": {"size": 38}}),
        ("create_profile", ['properties.zip="02134"'], {"properties": {"zip": "02134"}}),
        ("create_profile", [r"properties.Shoe\.Size=x"], {"properties": {"Shoe.Size": "x"}}),
        ("add_profile_to_list", ["emails=a@x.org"], {"emails": ["a@x.org"]}),
        ("add_profile_to_list", ["emails=a@x.org", "emails=b@x.org"], {"emails": ["a@x.org", "b@x.org"]}),
        ("add_profile_to_list", ['emails=["a@x.org"]', "emails=b@x.org"], {"emails": ["a@x.org", "b@x.org"]}),
        ("bulk_subscribe_profiles", ["profiles.0.email=a@x.org"], {"profiles": [{"email": "a@x.org"}]}),
        ("create_list", ["name=@@handle"], {"name": "@handle"}),
        ("create_list", ["nam=x"], {"nam": "x"}),
        ("nothing_like_it", ["a.b=1"], {"a": {"b": 1}}),
    ],
)
def test_what_is_set_has_the_type_of_its_place(action: str, words: list[str], arguments: object) -> None:
    found = REGISTRY.get(action)
    assert arguments_of(found.spec if found else None, "{}", words) == arguments


@pytest.mark.parametrize(
    ("given", "words", "says"),
    [
        ("{}", ["name"], "NAME=VALUE"),
        ("{}", ["name=a", "name=b"], "given twice"),
        ("{}", ["name=a", "name.part=b"], "has no parts"),
        ("[1]", ["name=a"], "an object"),
        ("{}", ["name=@/nowhere"], "write @@"),
        ("@/nowhere", [], "cannot be read"),
        ("-", ["name=-"], "read once"),
    ],
)
def test_words_that_set_nothing_are_told(given: str, words: list[str], says: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    with pytest.raises(WrongSetting, match=says):
        arguments_of(REGISTRY["create_list"].spec, given, words)


def test_a_file_and_json_come_together(tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>Ünï</p>\n<p>b</p>\n", "utf-8")
    spec = REGISTRY["create_template"].spec
    made = arguments_of(spec, '{"name": "A", "html": "x"}', [f"html=@{page}"])
    assert made == {"name": "A", "html": "<p>Ünï</p>\n<p>b</p>\n"}


@pytest.fixture(scope="module")
def klaviyo_url() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
def call(command: Callable, klaviyo_url: str) -> Callable:
    def run(*words: str, **more):
        account = {"KLAVIYO_BASE_URL": klaviyo_url, "KLAVIYO_API_KEY": API_KEY, "KLAVIYO_COMPANY_ID": COMPANY_ID}
        return command("call", *words, **account, **more)

    return run


def test_all_pages_are_one_table_of_rows(call, klaviyo_url: str) -> None:
    demo = httpx2.get(f"{klaviyo_url}/_sandbox/summary").raise_for_status().json()["companies"][0]
    people = demo["counts"]["profiles"]
    assert people >= 400, "more than there are on a page"
    done = call("get_profiles", "--all", "--fields", "email,location.city", "-o", "csv")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["email", "location.city"]
    assert len(rows) == people + 1
    lines = call(
        "get_profiles", "--all", "--set", "page_size=90", "--fields", "email", "-o", "jsonl"
    ).stdout.splitlines()
    assert sorted(json.loads(line)["email"] or "" for line in lines) == sorted(row[0] for row in rows[1:])
    whole = json.loads(call("get_profiles", "--all", "--fields", "email").stdout)
    assert whole["count"] == len(whole["records"]) == people
    assert "next_cursor" not in whole


@pytest.mark.skipif(not TERMINALS, reason="pipes of POSIX")
def test_who_stops_reading_is_told_nothing(klaviyo_url: str) -> None:
    account = {"KLAVIYO_BASE_URL": klaviyo_url, "KLAVIYO_API_KEY": API_KEY}
    words = [*PROGRAM, "call", "get_profiles", "--all", "--set", "page_size=50", "-o", "jsonl"]
    with subprocess.Popen(words, env={**os.environ, **account}, stdout=-1, stderr=-1, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stdout.readline()
        reading.stdout.close()
        assert reading.stderr is not None
        assert reading.stderr.read() == ""
    assert reading.returncode == 141


def test_no_cell_of_csv_is_a_formula(call) -> None:
    made = call("create_profile", "--set", "email=f@example.org", "--set", "first_name==1+1", "-o", "csv")
    (row,) = csv.DictReader(io.StringIO(made.stdout))
    assert row["first_name"] == "'=1+1"


def test_a_later_page_that_cannot_be_read_is_told_with_how_far_it_went(klaviyo_url: str) -> None:
    account = {"KLAVIYO_BASE_URL": klaviyo_url, "KLAVIYO_API_KEY": API_KEY}
    words = [*PROGRAM, "call", "get_profiles", "--all", "--set", "page_size=2", "--fields", "email", "-o", "jsonl"]
    with subprocess.Popen(words, env={**os.environ, **account}, stdout=-1, stderr=-1, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        first = reading.stdout.readline()
        fault = {"operation": "get_profiles", "fault": "html", "status": 400}
        httpx2.post(f"{klaviyo_url}/_sandbox/faults", json=[fault]).raise_for_status()
        rest, told = reading.stdout.read(), reading.stderr.read()
    httpx2.post(f"{klaviyo_url}/_sandbox/faults", json=[])
    rows = len([first, *rest.splitlines()])
    assert reading.returncode == 1
    assert f"A later page could not be read; {rows} rows are on stdout, and this is not all." in told


@pytest.mark.parametrize(
    ("words", "fault", "code", "says"),
    [
        (["create_list", "--set", "name=x"], {}, 0, ""),
        (["create_list"], {}, 1, "name: is required"),
        (["create_list", "--set", "name"], {}, 2, "NAME=VALUE"),
        (["get_list", "--set", "id=TQVhRF", "--all"], {}, 2, "is not"),
        (["create_list", "--set", "name=x"], {"fault": "reset_after"}, 3, "not known whether"),
        (["get_lists"], {"fault": "reset_after"}, 1, "call again"),
        (["delete_list", "--set", "id=TQVhRF"], {}, 4, "--yes"),
        (["get_lists"], {"fault": "status", "status": 429, "retry_after": 90}, 5, "Retry at"),
    ],
)
def test_the_exit_code_tells_what_became_of_it(call, klaviyo_url: str, words, fault, code, says) -> None:
    faults = [{"operation": "*_list*", **fault}] if fault else []
    httpx2.post(f"{klaviyo_url}/_sandbox/faults", json=faults).raise_for_status()
    done = call(*words, KLAVIYO_MCP_MAX_WAIT="1")
    httpx2.post(f"{klaviyo_url}/_sandbox/faults", json=[])
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    if code not in (0, 2, 4):
        assert json.loads(done.stdout)["error"]["message"].split(":")[0] in done.stderr


def test_ids_that_were_shown_are_remembered_without_people(call, tmp_path) -> None:
    for action in ("get_lists", "get_profiles"):
        assert call(action, KLAVIYO_MCP_HOME=str(tmp_path)).returncode == 0
    kept = json.loads((tmp_path / "lately.json").read_text("utf-8"))
    assert "VIP customers" in kept[""]["list"].values()
    assert set(kept[""]) == {"list"}
    assert (tmp_path / "lately.json").stat().st_mode & 0o077 == 0 or os.name == "nt"


@pytest.mark.skipif(not TERMINALS, reason="terminals of POSIX")
def test_in_a_terminal_what_is_missing_is_asked_for() -> None:
    from tests.cli.terminal import Terminal

    asked = Terminal([*COLD, "call", "create_tag_group", "--sandbox"])
    assert "create_tag_group: Make a group of tags" in asked.read("name: ")
    asked.type("Seasons\r")
    code, shown = asked.end()
    assert code == 0, shown
    assert "Seasons" in shown
    assert "\x1b[1m" in shown
    stopped = Terminal([*COLD, "call", "create_list", "--sandbox"], NO_COLOR="1")
    stopped.read("name: ")
    code, shown = stopped.interrupt()
    assert code == 130
    assert "Nothing was sent." in shown
    assert "\x1b[3" not in shown


@pytest.mark.skipif(not TERMINALS, reason="terminals of POSIX")
def test_in_a_terminal_a_strong_call_asks_first_and_ctrl_c_is_a_no() -> None:
    from tests.cli.terminal import Terminal

    asked = Terminal([*COLD, "call", "delete_list", "--sandbox"], TERM="dumb")
    asked.read("id: ")
    asked.type("TQVhRF\r")
    assert "with 55 people on it" in asked.read("[y/N]: ")
    code, shown = asked.interrupt()
    assert (code, "Nothing was done." in shown) == (130, True), shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(("became", "code"), [(RequestOutcome.REFUSED, FAILED), (RequestOutcome.UNKNOWN, UNKNOWN)])
def test_a_refusal_after_an_attempt_that_nobody_knows_of_is_not_told_as_one(became: RequestOutcome, code: int) -> None:
    refused = InvalidRequest("No.", status=400)
    refused.outcome = became
    assert exit_code(Response(explain(refused, "create_list", REGISTRY), "", is_error=True)) == code
