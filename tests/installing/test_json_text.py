"""Changes to JSON with and without comments: what was asked for changes, every other character stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.installing.errors import Unreadable
from klaviyo_mcp.installing.json_text import JSONText

SETTINGS = """\
// Mine, by hand
{
    "theme": "dark", // not light
    /* servers */
    "mcpServers": {
        "other": {"command": "x", "args": ["a // b", "/* c */"]}, // keep
        // and the last
    },
    "url": "https://example.org//x",
}
"""


def test_a_member_is_added_behind_the_comments_of_the_last() -> None:
    text = JSONText(SETTINGS, comments=True)
    text.set(("mcpServers", "klaviyo"), {"command": "k", "args": []})
    added = '        "klaviyo": {\n            "command": "k",\n            "args": []\n        }\n'
    assert text.text == SETTINGS.replace("// and the last\n", f"// and the last\n{added}")
    text.remove(("mcpServers", "klaviyo"))
    assert text.get("mcpServers") == {"other": {"command": "x", "args": ["a // b", "/* c */"]}}
    assert all(
        comment in text.text for comment in ("// Mine", "// not light", "/* servers */", "// keep", "// and the")
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ("{}", '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"x": 1}', '{"x": 1,\n  "a": {\n    "b": 1\n  }\n}'),
        ('{\n\t"a": {}\n}', '{\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
        ('{\n "a": {"b": 2, "b": 3}\n}', '{\n "a": {"b": 2, "b": 1}\n}'),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ],
)
def test_what_leads_to_a_value_is_made(before: str, after: str) -> None:
    text = JSONText(before, comments=False)
    text.set(("a", "b"), 1)
    assert text.text == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1, "b": 2, "c": 3}', '{"a": 1, "c": 3}'),
        ('{"b": 2, "c": 3}', '{ "c": 3}'),
        ('{"a": 1, "b": 2}', '{"a": 1}'),
        ('{"b": 2}', "{}"),
        ('{"a": 1}', '{"a": 1}'),
    ],
)
def test_a_member_goes_with_its_comma(before: str, after: str) -> None:
    text = JSONText(before, comments=False)
    text.remove(("b",))
    assert text.text == after


@pytest.mark.parametrize(
    ("broken", "line", "comments"),
    [
        ('{\n "a": 1,\n "b" 2\n}', 3, True),
        ('{"a": 1} // note', 1, False),
        ('{\n "a": 1, }', 2, False),
        ("[1]", 1, True),
        ('{\n/* never closed\n "a": 1}', 2, True),
        ('{"a": ' + "[" * 100_000, 1, True),
    ],
)
def test_what_its_client_could_not_read_is_refused_with_the_line(broken: str, line: int, comments: bool) -> None:
    with pytest.raises(Unreadable) as refused:
        JSONText(broken, comments=comments)
    assert refused.value.line == line


def test_what_leads_to_a_value_must_be_an_object() -> None:
    with pytest.raises(Unreadable, match="mcpServers is no object") as refused:
        JSONText('{\n "x": 1,\n "mcpServers": []\n}', comments=False).set(("mcpServers", "k"), {})
    assert refused.value.line == 3


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(max_size=3), values, max_size=4), st.text(max_size=3), values, st.sampled_from([None, 3])
)
def test_whatever_stands_there_only_what_is_asked_for_changes(found, key: str, value, indent) -> None:
    text = JSONText(json.dumps(found, indent=indent), comments=False)
    text.set((key,), value)
    assert json.loads(text.text) == {**found, key: value}
    text.remove((key,))
    assert json.loads(text.text) == {name: one for name, one in found.items() if name != key}
