"""The command line as its user runs it: processes, exit codes, one clear message on stderr and never a traceback."""

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from subprocess import CompletedProcess

import pytest
from tests.warm import COLD


@pytest.fixture
def cold(command: Callable[..., CompletedProcess[str]]) -> Callable[..., CompletedProcess[str]]:
    """Begun as its user begins it."""
    return partial(command, program=COLD)


def test_a_call_against_the_sandbox_needs_no_configuration(cold) -> None:
    done = cold("call", "create_profile", "--json", '{"email": "a@example.org"}', "--sandbox")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["record"]["email"] == "a@example.org"
    assert done.stderr == ""


def test_arguments_can_come_from_stdin(cold) -> None:
    done = cold("call", "get_lists", "--json", "-", "--sandbox", stdin='{"page_size": 1}')
    assert json.loads(done.stdout)["count"] == 1


def test_a_preview_shows_the_request_and_sends_nothing(cold) -> None:
    done = cold("call", "create_list", "--json", '{"name": "VIP"}', "--preview")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "action": "create_list",
        "effect": "write",
        "sent": False,
        "requests": [
            {
                "method": "POST",
                "path": "/api/lists",
                "body": {"data": {"type": "list", "attributes": {"name": "VIP"}}},
            }
        ],
    }


def test_a_preview_of_several_steps_says_what_depends_on_what(cold) -> None:
    arguments = {"list_id": "VbT4kM", "emails": [f"p{n}@example.org" for n in range(150)]}
    done = cold("call", "add_profile_to_list", "--json", json.dumps(arguments), "--preview")
    plan = json.loads(done.stdout)
    assert plan["checks_first"] == [{"action": "get_list", "arguments": {"id": "VbT4kM"}}]
    assert [step["action"] for step in plan["steps"]] == ["get_profiles", "add_profiles_to_list"]
    assert len(plan["steps"][0]["requests"]) == 2
    assert "depends_on" in plan["steps"][1]


WRONG = [
    (["call", "create_lst"], 1, "Did you mean create_list"),
    (["call", "create_list", "--json", '{"nmae": "x"}'], 1, "Did you mean name?"),
    (["call", "create_list", "--json", "{name: x}"], 2, "not valid JSON"),
    (["call", "create_list", "--json", "[1]"], 1, "must be one JSON object"),
    (["call", "get_lists"], 2, "KLAVIYO_API_KEY"),
    (["get_lists"], 2, "it is an action. Run it with: klaviyo-mcp call get_lists"),
    (["jobs", "list"], 0, "there are no jobs"),
    (["call", "get_lists", "--account", "acme"], 2, "no account named 'acme'"),
    (["call", "get_lists", "--account", "acme", "--sandbox"], 2, "--sandbox has one account"),
    (["call", "create_list", "--json", '{"name": "x"}', "--read-only", "--sandbox"], 1, "read-only"),
    (["call", "get_lists", "--colour", "red"], 2, "--colour"),
    (["call"], 2, "ACTION"),
    (["serve", "--transport", "carrier-pigeon"], 2, "neither 'stdio' nor 'http'"),
    (["serve", "--port", "9000", "--sandbox"], 2, "goes with --transport http only"),
    (["call", "create_profile", "--json", "[" * 100_000], 2, "nested too deep"),
    (["serve", "--expose", "search,lists"], 2, "no toolset 'search'"),
    (["serve", "--expose", "list"], 2, "did you mean 'lists'?"),
    (["serve", "--expose", ""], 2, "--expose needs"),
    (["serve", "--transport", "http", "--host", "0.0.0.0", "--sandbox"], 2, "KLAVIYO_MCP_HTTP_TOKEN"),
    (["serve", "--transport", "http", "--port", "99999", "--sandbox"], 2, "Cannot listen"),
    (["sandbox", "--without", "webhooks, smoke"], 2, "'smoke' is no feature that an account may lack"),
    (["actions", "show", "get_lst"], 1, "Did you mean get_list"),
    (["actions", "show", "guide:nope"], 1, "There is no guide 'nope'. There are: answers"),
    (["actions", "show", "guide:segments", "--path", "x"], 2, "a guide has no arguments"),
    (["actions", "show", "get_lists", "--path", "nothing.here"], 1, "no argument 'nothing.here'"),
    (["actions", "list", "--toolset", "lsts"], 2, "did you mean 'lists'?"),
    (["specs", "check", "/nowhere"], 2, "not a folder"),
    (["connect"], 2, "KLAVIYO_CLIENT_ID"),
    (["connect", "--name", "Acme Inc"], 2, "lower-case"),
    (["connect", "--scopes", "red"], 2, "KLAVIYO_CLIENT_ID"),
    (["accounts", "default", "acme"], 1, "no account named 'acme'"),
    (["disconnect"], 2, "NAME"),
    (["disconnect", "acme"], 1, "no account named 'acme'"),
    (["doctor", "--account", "acme"], 1, ""),
    (["sing"], 2, "sing"),
]


@pytest.mark.parametrize(("words", "code", "says"), WRONG, ids=[" ".join(words)[:50] for words, _, _ in WRONG])
def test_wrong_use_gives_one_message_and_a_non_zero_exit(command, words, code, says, tmp_path) -> None:
    done = command(*words, KLAVIYO_MCP_HOME=str(tmp_path))
    assert done.returncode == code, (done.stdout, done.stderr)
    assert says in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["call", "create_list", "--set", "name=x", "--sandbox"], 0, ""),
        (["shell", "--sandbox"], 0, ""),
        (["connect", "--api-key"], 2, "not an API key"),
    ],
)
def test_closed_streams_lead_nowhere(words: list[str], code: int, says: str, tmp_path) -> None:
    begin = ["sh", "-c", 'exec "$@" <&- >&-', "sh", *COLD, *words]
    environment = {**os.environ, "KLAVIYO_MCP_HOME": str(tmp_path)}
    done = subprocess.run(begin, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert (done.returncode, says in done.stderr, bool(says)) == (code, True, bool(done.stderr))


def test_an_unknown_setting_stops_every_command_that_uses_settings(command) -> None:
    for words in (["serve", "--sandbox"], ["call", "get_lists", "--sandbox"]):
        done = command(*words, KLAVIYO_MCP_REDONLY="1")
        assert done.returncode == 2
        assert done.stderr.startswith("klaviyo-mcp: KLAVIYO_MCP_REDONLY is not a setting")


def test_a_broken_spec_file_is_reported_with_file_line_and_suggestion(cold, tmp_path) -> None:
    path = tmp_path / "lists" / "create_list.yaml"
    path.parent.mkdir()
    path.write_text("name: create_list\nefect: write\n")
    done = cold("specs", "check", str(tmp_path))
    assert done.returncode == 1
    assert f"{path}:2: unknown key 'efect'; did you mean 'effect'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_actions_can_be_listed_and_shown(cold) -> None:
    done = cold("actions", "list", "--toolset", "lists")
    assert "create_list" in done.stdout
    assert "Make a new" in done.stdout
    listed = json.loads(cold("actions", "list", "--json").stdout)
    assert {"name", "toolset", "effect", "title", "summary"} == set(listed[0])
    assert json.loads(cold("actions", "show", "guide:segments", "--json").stdout)["title"]
    page = cold("actions", "show", "subscribe_profiles").stdout
    assert page.startswith("bulk_subscribe_profiles: ")
    for part in (
        "Arguments\n",
        "scopes ",
        "limits ",
        "Rules\n",
        "Related\n",
        "klaviyo-mcp call bulk_subscribe_profiles",
    ):
        assert part in page
    deeper = json.loads(cold("actions", "show", "create_profile", "--path", "location.city").stdout)
    assert "string" in deeper["type"]


def test_the_version_is_printed(cold) -> None:
    from klaviyo_mcp import __version__

    assert cold("--version").stdout.strip() == __version__
