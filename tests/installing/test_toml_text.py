"""Changes to TOML: what was asked for changes, comments and everything else stay."""

import tomllib

import pytest

from klaviyo_mcp.installing.errors import Unreadable
from klaviyo_mcp.installing.toml_text import TOMLText

PLACE = ("mcp_servers", "klaviyo")
ENTRY = {"command": "k", "args": ["serve"], "env": {"HOME": "/x"}}


@pytest.mark.parametrize(
    "before",
    [
        "",
        '# mine\nmodel = "x" # why\n',
        "[mcp_servers]\n",
        'mcp_servers = {other = {command = "y"}}\n',
        '[mcp_servers.other]\ncommand = "y"\n\n[tui] # looks\ncolour = 1\n',
        '[mcp_servers.a]\ncommand = "y"\n\n[tui] # apart\ncolour = 1\n\n[mcp_servers.b]\ncommand = "z"\n',
        '[mcp_servers.other]\ncommand = "y"\n[mcp_servers.other.env]\nX = "1"\n',
    ],
)
def test_a_table_is_added_changed_and_taken_out(before: str) -> None:
    found = tomllib.loads(before)
    text = TOMLText(before)
    text.set(PLACE, ENTRY)
    assert tomllib.loads(text.text) == {**found, "mcp_servers": {**found.get("mcp_servers", {}), "klaviyo": ENTRY}}
    once = text.text
    text.set(PLACE, ENTRY)
    assert text.text == once
    text.set((*PLACE, "args"), [])
    text.set((*PLACE, "env", "HOME"), "/z")
    text.remove((*PLACE, "command"))
    assert tomllib.loads(text.text)["mcp_servers"]["klaviyo"] == {"args": [], "env": {"HOME": "/z"}}
    text.remove(PLACE)
    text.remove(PLACE)
    assert tomllib.loads(text.text).get("mcp_servers", {}) == found.get("mcp_servers", {})
    assert all(comment in text.text for comment in ("# mine", "# why", "# looks", "# apart") if comment in before)


@pytest.mark.parametrize(("broken", "line"), [("a = 1\nb = = 2\n", 2), ("a = 1\na = 2\n", 1), ("[x]\ny = [1,\n", 2)])
def test_what_is_no_toml_is_refused(broken: str, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        TOMLText(broken)
    assert refused.value.line >= line


def test_what_leads_to_a_value_must_be_a_table() -> None:
    with pytest.raises(Unreadable, match="mcp_servers is no table"):
        TOMLText("mcp_servers = 1\n").set(PLACE, ENTRY)
