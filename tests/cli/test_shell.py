"""The shell: line by line from a pipe, and in a terminal with completion, history and questions in place."""

import json
import sys

import pytest
from tests.warm import COLD

from klaviyo_mcp.cli.shell_lines import WrongLine, is_unfinished, read_call, read_question

LINES = """\
# a comment
get_lists --fields id,name
_ name~VIP -o csv
set read_only on
create_list name=x
set read_only off
create_list {
  "name": "Over lines"
}
_ --part record -o json
find make a list
set output jsonl
get_lists --fields name
"""


def test_lines_of_a_pipe_are_run_one_after_the_other(command) -> None:
    done = command("shell", "--sandbox", stdin=LINES)
    assert "id,name\nTQVhRF,VIP customers\n" in done.stdout.replace("\r\n", "\n")
    assert '"name": "Over lines"' in done.stdout
    assert "create_list" in done.stdout
    assert '{"name":"Newsletter"}' in done.stdout
    assert done.stderr.startswith("create_list changes something, and this shell is read-only. Nothing was sent.")
    assert done.returncode == 2


WRONG = [
    ("_", "no answer yet"),
    ("get_lst", "Did you mean get_list"),
    ("create_list nam=x name=y", "Did you mean name?"),
    ("get_lists --colour red", "There is no option --colour"),
    ("set output xml", "There is no output 'xml'"),
    ("help get_lst", "Did you mean get_list"),
    ('create_list {"name": }', "not valid JSON"),
    ("""create_list {"name": "x"} --json '{"name": "y"}'""", "stand there twice"),
    ("create_template name=x editor_type=CODE html=-", "stdin has the lines of this shell"),
    ("delete_list id=TQVhRF", "add --yes"),
]


@pytest.mark.parametrize(
    ("flags", "lines", "code"),
    [
        ([], WRONG, 4),
        (["--read-only"], [("create_list name=x", "this shell is read-only"), ("set read_only off", "stays so")], 2),
    ],
)
def test_a_line_that_fails_says_why_and_its_exit_code_stays(command, flags, lines, code: int) -> None:
    done = command("shell", "--sandbox", *flags, stdin="".join(f"{line}\n" for line, _ in lines) + "set\n")
    assert done.returncode == code
    told = done.stderr
    for line, says in lines:
        assert says in told, line
        told = told.partition(says)[2]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("get_lists", False),
        ('create_list {"name": "a', True),
        ('create_list {"name": "}', True),
        ('create_list {"name": "it\'s {"}', False),
        ("create_list name='a", True),
        ("create_list \\", True),
    ],
)
def test_open_json_and_quotes_take_more_lines(text: str, unfinished: bool) -> None:
    assert is_unfinished(text) is unfinished


def test_lines_are_taken_apart() -> None:
    line = read_call('create_list {"name": "a b"} --fields id,name -o csv --yes tag=x')
    assert (line.given, line.sets, line.fields) == ({"name": "a b"}, ["tag=x"], ("id", "name"))
    assert (line.options["--output"], line.flags) == ("csv", {"--yes"})
    asked, options = read_question("status=draft sent>=5 name~'Big sale' --sort -created --limit 2 --count -o json")
    assert [tuple(one.values()) for one in asked.pop("where")] == [
        ("status", "equals", "draft"),
        ("sent", "greater-or-equal", 5),
        ("name", "contains", "Big sale"),
    ]
    assert (asked, options) == ({"sort": ["-created"], "limit": 2, "count": True}, {"--output": "json"})
    with pytest.raises(WrongLine, match="FIELD=VALUE"):
        read_question("draft")


def test_jobs_run_in_it_and_are_waited_for(command, tmp_path) -> None:
    rows = 'start_job kind=profiles rows=\'[{"email": "a@example.org"}]\' --yes -o json\n'
    done = command("shell", "--sandbox", stdin=rows, KLAVIYO_MCP_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"klaviyo-mcp: job {json.loads(done.stdout)['job']} is done." in done.stderr


@pytest.mark.parametrize(
    ("call", "leads_to"),
    [
        (
            ["start_job", "--set", "kind=profiles", "--set", 'rows=[{"email": "a@example.org"}]'],
            "klaviyo-mcp import profiles FILE",
        ),
        (["start_export", "--set", "kind=profiles"], "klaviyo-mcp export profiles --output FILE"),
    ],
)
def test_a_single_call_begins_no_job_and_names_the_command(command, tmp_path, call, leads_to) -> None:
    done = command("call", *call, "--sandbox", KLAVIYO_MCP_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"Nothing was sent to Klaviyo.\nNext: On the command line, use {leads_to};" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_in_a_terminal_it_completes_asks_and_remembers(tmp_path) -> None:
    from tests.cli.terminal import CTRL_C, Terminal

    shell = Terminal([*COLD, "shell", "--sandbox"], KLAVIYO_MCP_HOME=str(tmp_path))
    shell.read("sandbox>")
    shell.type("get_lis\t")
    shell.read("get_list_ids_for_tag")
    shell.type(CTRL_C)
    shell.read("sandbox>")
    shell.type("get_list id=\t")
    shell.read("VIP customers")
    shell.type(CTRL_C)
    shell.read("sandbox>")
    shell.type("get_list id='name:VIP c\t")
    shell.read("id='name:VIP customers'")
    shell.type(" -o csv --fields id,na\t")
    shell.read("me")
    shell.type("\r")
    shell.read("TQVhRF,VIP customers")
    shell.read("sandbox>")
    shell.type("delete_list id=TQVhRF\r")
    shell.read("[y/N]:")
    shell.type("n\r")
    shell.read("did not agree")
    shell.read("sandbox>")
    shell.type("create_list\r")
    shell.read("name:")
    shell.type(CTRL_C)
    shell.read("Nothing was sent.")
    shell.read("sandbox>")
    shell.type("create_list name=pk_live_secret\r")
    shell.read("done.")
    shell.read("sandbox>")
    shell.type("exit\r")
    assert shell.end()[0] == 0
    history = tmp_path / "shell_history"
    assert "delete_list" in history.read_text("utf-8")
    assert "pk_live" not in history.read_text("utf-8")
    assert history.stat().st_mode & 0o077 == 0
