"""Records as files: what a reader of CSV gets is what was written, and no cell is a formula."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.exporting import FORMULA, PLAIN_NUMBER, as_csv, as_jsonl

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(st.lists(st.fixed_dictionaries({"id": TEXTS}, optional={"note": TEXTS}), min_size=1, max_size=10))
def test_csv_reads_back_as_it_was_and_holds_no_formula(records) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(records), newline=""), strict=True))
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        for name, text in record.items():
            guarded = text.startswith(FORMULA) and not PLAIN_NUMBER.fullmatch(text)
            assert row[name] == (f"'{text}" if guarded else text)
            assert not row[name].startswith(FORMULA) or PLAIN_NUMBER.fullmatch(row[name])


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x","y")', "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"]
)
def test_what_a_spreadsheet_would_compute_is_text(text) -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([{"name": text}]), newline=""))
    assert row["name"] == f"'{text}"


@pytest.mark.parametrize("text", ["+4915112345678", "-12.50", "42"])
def test_plain_numbers_stay_as_they_are(text) -> None:
    assert as_csv([{"value": text}]) == f"value\r\n{text}\r\n"


def test_columns_are_dotted_and_every_record_has_all() -> None:
    records = [{"id": 1, "location": {"city": "Oslo"}}, {"id": 2, "tags": ["a", "b"], "gone": None, "on": True}]
    assert as_csv(records).splitlines() == [
        "id,location.city,tags,gone,on",
        "1,Oslo,,,",
        '2,,"[""a"",""b""]",,true',
    ]
    assert as_csv(["A1", "B2"]) == "value\r\nA1\r\nB2\r\n"


def test_a_name_of_a_property_is_no_formula_either() -> None:
    assert as_csv([{"properties": {"x": 1}, "=cmd": 2}]).splitlines()[0] == "properties.x,'=cmd"


def test_json_lines_hold_the_records_as_they_are() -> None:
    records = [{"name": "Zoë\n=1", "n": 0.1}, {"tags": ["a"]}]
    assert [json.loads(line) for line in as_jsonl(records).splitlines()] == records
