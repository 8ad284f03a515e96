"""The log: one line for each record, whatever stands in it."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.runtime.logs import JsonLines, TextLines

FORGED = "x\n2026-01-01T00:00:00.000Z INFO klaviyo_mcp: forged \x1b[2J \u202e \U000e0041 \u2028 \ud800"


def record(message: str, exception: BaseException | None = None, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "name": "klaviyo_mcp", "levelname": "INFO", "fields": fields})
    made.exc_info = (type(exception), exception, None) if exception else None
    return made


@pytest.mark.parametrize("form", [TextLines(), JsonLines()])
@pytest.mark.parametrize("given", [record(FORGED), record("call", account=FORGED)])
def test_nothing_in_a_record_ends_its_line_or_moves_a_cursor(form, given) -> None:
    line = form.format(given)
    assert line.isprintable()
    assert line.encode()


def test_fields_stand_by_their_names_and_those_that_are_empty_are_left_out_of_text() -> None:
    text = TextLines().format(record("call", action="get_lists", account="", status=None, ms=0, note="a b"))
    assert text.endswith(' INFO klaviyo_mcp: call action=get_lists ms=0 note="a b"')


def test_json_holds_the_record_and_its_fields() -> None:
    told = json.loads(JsonLines().format(record("call", action="get_lists", ms=3)))
    assert told.pop("time").endswith("Z")
    assert told == {"level": "info", "logger": "klaviyo_mcp", "message": "call", "action": "get_lists", "ms": 3}


def test_a_traceback_cannot_pass_for_lines_of_the_log() -> None:
    _, *rest = TextLines().format(record("failed", ValueError(FORGED))).split("\n")
    assert rest
    assert all(line.startswith("  | ") and line.isprintable() for line in rest)
    assert FORGED in json.loads(JsonLines().format(record("failed", ValueError(FORGED))))["exception"]


@given(st.text(), st.text())
def test_every_text_is_one_line(message: str, value: str) -> None:
    for form in (TextLines(), JsonLines()):
        assert form.format(record(message.replace("%", ""), value=value)).isprintable()
