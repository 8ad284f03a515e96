"""Files of rows, read whatever their form, and those that cannot be."""

import csv
import gzip
import io
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.jobs.source import BadRow, Row, SourceProblem, open_source, source_of_rows

PEOPLE = 'E-Mail;Vorname;Ort\na@example.org;Jürgen;Köln\nb@example.org;"Eva;\nMaria";"x ""y"""\n'
READ = [
    (2, {"E-Mail": "a@example.org", "Vorname": "Jürgen", "Ort": "Köln"}),
    (3, {"E-Mail": "b@example.org", "Vorname": "Eva;\nMaria", "Ort": 'x "y"'}),
]


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(content: bytes | str, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def rows(path: Path, **given: Any) -> list[tuple[int, Any]]:
    return [(row.line, row.values if isinstance(row, Row) else row.why) for row in open_source(path, **given).rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_encoding_delimiter_and_packing_are_found_out(written: Any, encoding: str, pack: Any) -> None:
    path = written(pack(PEOPLE.encode(encoding)))
    source = open_source(path)
    assert [(row.line, row.values) for row in source.rows() if isinstance(row, Row)] == READ
    assert "separated by semicolons" in source.told[0]
    assert len(source.fingerprint) == 64


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("imię,miasto\nŁukasz Wójcik,Łódź\n", "cp1250"),
        ("nom,ville\nHélène,Besançon\nRené,Nîmes\n", "cp1252"),
        ("isim,il\nÇağla Işık,İzmir\n", "cp1254"),  # noqa: RUF001
        ("имя,город\nИван,Казань\n", "cp1251"),  # noqa: RUF001
    ],
)
def test_letters_tell_the_encoding_and_are_shown(written: Any, text: str, encoding: str) -> None:
    source = open_source(written(text.encode(encoding)))
    assert [list(row.values.values()) for row in source.rows() if isinstance(row, Row)] == [
        line.split(",") for line in text.splitlines()[1:]
    ]
    assert "letters beyond ASCII" in source.told[0]


@pytest.mark.parametrize(
    ("row", "encoding"),
    [
        ("Jürgen,Köln", "mac_roman"),
        ("山田,東京", "shift_jis"),
        ("張偉,北京", "gbk"),
        ("\u0418\u0432\u0430\u043d,\u041e\u043b\u044f", "koi8-r"),
        ("\u05d3\u05d5\u05d3,\u05d7\u05d9\u05e4\u05d4", "cp1255"),
    ],
)
def test_an_encoding_that_could_be_another_is_asked_for(written: Any, row: str, encoding: str) -> None:
    path = written(f"name,city\n{row}\n".encode(encoding))
    with pytest.raises(SourceProblem, match="not UTF-8") as caught:
        open_source(path)
    assert "--encoding" in caught.value.advice
    assert rows(path, encoding=encoding) == [(2, dict(zip(["name", "city"], row.split(","), strict=True)))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.json", '{"count": 2, "fields": ["a"], "rows": [{"a": 1}, {"a": 2}], "next": null}'),
        ("rows.json", '{"rows":\n[{"a": 1},\n{"a": 2}]}'),
        ("rows.csv", '[{"a": 1}, {"a": 2}]'),
    ],
)
def test_the_one_list_of_objects_in_json_is_read_whatever_is_around_it(written: Any, name: str, content: str) -> None:
    assert [values for _, values in rows(written(content, name))] == [{"a": 1}, {"a": 2}]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.data())
def test_any_table_that_csv_writes_comes_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
    width = data.draw(st.integers(1, 4))
    cells = st.lists(TEXTS, min_size=width, max_size=width).filter(any)
    table = data.draw(st.lists(cells, min_size=1, max_size=5))
    columns = [f"column {number}" for number in range(width)]
    if end == "\r" or any("\r" in cell for row in table for cell in row):
        quoting = csv.QUOTE_ALL  # Python's csv quotes an end of a line only where it is that of the rows
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows([columns, *table])
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    source = open_source(path, delimiter=delimiter, header=True)
    found = list(source.rows())
    assert [list(row.values.values()) for row in found if isinstance(row, Row)] == table
    assert source.columns == columns
    if width > 1:
        assert [row.line for row in open_source(path).rows()] == [row.line for row in found]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n3\n", [(2, {"a": "1", "b": "2"}), (3, "has 1 value where the header has 2")]),
        ("a,b\n1,2,3\n4,5,\n", [(2, "has 3 values where the header has 2"), (3, {"a": "4", "b": "5"})]),
        ("a,b\n1,2\n3", [(2, {"a": "1", "b": "2"}), (3, "1 value where the header has 2; the file ends here")]),
        ('a,b\n1,"2\n3,4\n', [(2, "opens a quotation mark"), (3, {"a": "3", "b": "4"})]),
        ('a,b\n1,"2', [(2, "opens a quotation mark that is never closed")]),
        ('a,b\n1,"5" tall"\n3,4\n', [(2, "that is not doubled"), (3, {"a": "3", "b": "4"})]),
        ("a,b\n1,\0\n3,4\n" + "5,6\n" * 30, [(2, "has a NUL byte"), (3, {"a": "3", "b": "4"})]),
        ("a,b\n\n,\n1,2\n", [(4, {"a": "1", "b": "2"})]),
        ("Our list\nof today\n\na;b\nx;2\n3;4\n", [(5, {"a": "x", "b": "2"}), (6, {"a": "3", "b": "4"})]),
        ('a,b\n="01",2\n', [(2, {"a": "01", "b": "2"})]),
        ('a,b\n"=""01""",2\n', [(2, {"a": "01", "b": "2"})]),
        ("sep=;\na;b\n1;2\n", [(3, {"a": "1", "b": "2"})]),
        ("a,b\n1," + "x" * 140_000 + "\n3,4\n", [(2, "longer than 131,072"), (3, {"a": "3", "b": "4"})]),
        ("a,b\n1," + "x" * 5_300_000 + "\n3,4\n", [(2, "longer than 5,242,880"), (3, {"a": "3", "b": "4"})]),
    ],
)
def test_a_row_that_cannot_be_read_takes_no_other_with_it(written: Any, content: str, expected: Any) -> None:
    found = rows(written(content))
    for (line, read), (at, wanted) in zip(found, expected, strict=False):
        assert line == at
        assert wanted in read if isinstance(wanted, str) else read == wanted
    assert len(found) >= len(expected)


def test_bytes_that_are_no_text_are_a_rows_problem_in_a_file_that_is_utf_8(written: Any) -> None:
    found = rows(written("a,b\n1,ä ö ü ß é è à ç ñ å ø œ\n".encode() + b"2,\xff\n"))
    assert found[1] == (3, "has bytes that are no text in the encoding of the file")


def test_a_file_without_a_header_has_numbered_columns(written: Any) -> None:
    path = written("a@example.org,Ann\nb@example.org,Bob\n")
    assert rows(path)[0] == (1, {"column_1": "a@example.org", "column_2": "Ann"})
    assert rows(written("email,2025,2026\nc@example.org,1,2\n", "years.csv"))[0][1]["2025"] == "1"
    assert rows(path, header=True)[0] == (2, {"a@example.org": "b@example.org", "Ann": "Bob"})


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("people.csv", b"", "is empty"),
        ("people.csv", b"\n\n", "nothing but empty lines"),
        ("people.csv", b"email,name\n", "has a header and no rows"),
        ("people.csv", b"a,b,a\n1,2,3\n", "'a' more than once"),
        ("people.csv", b"\0\1\2" * 99, "is no text"),
        ("people.csv.gz", gzip.compress(PEOPLE.encode(), mtime=0)[:-9], "is cut off"),
        ("people.csv.gz", gzip.compress(b"", mtime=0), "nothing is packed"),
        ("people.xlsx", b"PK\x03\x04 xl/workbook.xml", "is an Excel workbook"),
        ("people.zip", b"PK\x03\x04 people.csv", "is a zip archive"),
        ("people.pdf", b"%PDF-1.7", "is a PDF"),
        ("people.json", b"[]", "has no rows"),
        ("people.json", b'{"a": 1,\n"b": ["c"]}', "holds one object"),
        ("people.json", b'{"a": [{"b": 1}],\n"c": [{"d": 1}]}', "several lists of objects, under 'a' and 'c'"),
        ("people.json", b'[["email"], ["a@b.de"]]', "no row of it can be read: line 1 is no object"),
        ("people.csv", b"<!DOCTYPE html><html>", "is a web page"),
        ("people.csv", b"\x89PNG\r\n", "is a picture"),
        ("people.parquet", b"PARE\0\1PARE", "is encrypted Parquet"),
        ("people.json", b'[{"a": 1},\n{"b"', "line 2: the file has a row that is no JSON"),
        ("people.json", b'[{"a": 1} {"b": 2}]', "no comma"),
        ("people.json", b'[{"a": 1}] []', "there is more after its end"),
        ("people.parquet", b"nothing of it", "is no Parquet"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(written: Any, name: str, content: bytes, says: str) -> None:
    path = written(content, name)
    with pytest.raises(SourceProblem, match=says) as caught:
        list(open_source(path).rows())
    assert caught.value.advice


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("", "is a folder"), ("pipe", "is a pipe"), ("none.csv", "There is no file")):
        with pytest.raises(SourceProblem, match=says):
            open_source(tmp_path / name)
    with pytest.raises(SourceProblem, match="is a device"):
        open_source(Path(os.devnull))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="who may read everything is refused nothing")
def test_a_file_without_the_right_to_read_it_is_told(written: Any) -> None:
    path = written(PEOPLE)
    path.chmod(stat.S_IWUSR)
    with pytest.raises(SourceProblem, match="may not be read"):
        open_source(path)


@pytest.mark.parametrize("how", ["grows", "shrinks", "is replaced", "is gone"])
def test_a_file_that_changes_is_refused(written: Any, how: str) -> None:
    path: Path = written(PEOPLE + "c@example.org;C;D\n" * 60_000)
    source = open_source(path)
    reading: Iterator[Row | BadRow] = iter(())
    if how in ("grows", "shrinks"):
        reading = source.rows()
        next(reading)
        with path.open("r+b") as file:
            file.truncate(1_000_000) if how == "shrinks" else file.seek(0, io.SEEK_END)
            file.write(b"d@example.org;D;E\n") if how == "grows" else None
    else:
        path.rename(path.with_suffix(".old"))
        if how == "is replaced":
            path.write_bytes(path.with_suffix(".old").read_bytes())
        reading = source.rows()
    with pytest.raises(SourceProblem, match=r"grew|shrank|replaced|There is no file"):
        list(reading)
    assert source.fingerprint == ""


def test_a_file_that_vanishes_while_it_is_read_is_read_to_its_end(written: Any) -> None:
    path: Path = written(PEOPLE + "c@example.org;C;D\n" * 60_000)
    source = open_source(path)
    reading = source.rows()
    next(reading)
    path.unlink()
    assert sum(1 for _ in reading) == 60_001


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=6,
)
TABLE = st.lists(st.dictionaries(st.text("xyzä", min_size=1), VALUES, min_size=1, max_size=4), min_size=1, max_size=6)


@given(TABLE, st.sampled_from(["jsonl", "json"]), st.sampled_from([None, 2]), st.booleans())
def test_any_rows_of_json_come_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[Any], form: str, indent: int | None, ascii_only: bool
) -> None:
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in table]
    text = json.dumps(table, indent=indent, ensure_ascii=ascii_only) if form == "json" else "\n".join(lines)
    path = tmp_path_factory.mktemp("json") / f"rows.{form}"
    path.write_text(text, "utf-8")
    source = open_source(path)
    assert [row.values for row in source.rows() if isinstance(row, Row)] == table
    assert source.form == form
    assert [row.values for row in source_of_rows(table).rows() if isinstance(row, Row)] == table


def test_a_list_longer_than_what_is_read_at_a_time_comes_back(written: Any) -> None:
    table = [{"number": number, "text": "ä" * 999} for number in range(900)]
    found = rows(written(json.dumps(table, ensure_ascii=False), "rows.json"))
    assert [values for _, values in found] == table


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[1]", "is no object"),
        ("{}", "has no value"),
        ('{"a": NaN}', "has NaN"),
        ('{"a": 1e999}', "has a number too large"),
        (f'{{"a": {"9" * 5000}}}', "has a number too large"),
        ('{"a": 1, "a": 2}', "two values under one name"),
        ('{"a": "\\ud800"}', "has half of a character"),
        (f'{{"a": {"[" * 200_000}', "is nested too deep"),
        ('{"a": ', "is no JSON"),
    ],
)
def test_a_line_that_is_no_row_takes_no_other_with_it(written: Any, line: str, why: str) -> None:
    found = rows(written(f'{{"a": 1}}\n{line}\n\n{{"a": 2}}\n', "rows.jsonl"))
    assert [line for line, _ in found] == [1, 2, 4]
    assert why in found[1][1]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    from datetime import UTC, datetime

    parquet = pytest.importorskip("pyarrow.parquet")
    table = {"email": ["a@example.org", None], "points": [1, 2], "at": [datetime(2026, 1, 2, tzinfo=UTC)] * 2}
    parquet.write_table(pyarrow.table(table), tmp_path / "rows.parquet")
    source = open_source(tmp_path / "rows.parquet")
    assert [(row.line, row.values) for row in source.rows() if isinstance(row, Row)] == [
        (1, {"email": "a@example.org", "points": 1, "at": "2026-01-02T00:00:00+00:00"}),
        (2, {"points": 2, "at": "2026-01-02T00:00:00+00:00"}),
    ]
    assert source.columns == ["email", "points", "at"]


def test_without_its_extra_parquet_says_what_to_install(tmp_path: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        path = tmp_path / "rows.parquet"
        path.write_bytes(b"PAR1....PAR1")
        with pytest.raises(SourceProblem, match="not installed") as caught:
            open_source(path)
        assert "klaviyo-mcp[parquet]" in caught.value.advice
