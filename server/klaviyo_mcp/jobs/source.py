"""A file of rows, whatever its form: what it is, is found out when it is opened, and its rows are streamed."""

import json
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from klaviyo_mcp.jobs.csv_reading import Dialect, csv_rows, dialect_of
from klaviyo_mcp.jobs.encodings import encoding_of
from klaviyo_mcp.jobs.files import HEAD, Reading, State, damage_told, head_of, looked_at
from klaviyo_mcp.jobs.json_reading import is_one_line, jsonl_rows, list_rows
from klaviyo_mcp.jobs.parquet_reading import parquet_columns, parquet_rows
from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem
from klaviyo_mcp.jobs.text_lines import not_text, shown, text_of
from klaviyo_mcp.loose_json import JSON

__all__ = ["BadRow", "Row", "Source", "SourceProblem", "open_source", "source_of_rows"]

FORMS = ("csv", "jsonl", "json", "parquet")
SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
JSON_ALL_THE_SAME = re.compile(r'\ufeff?\s*(\[\s*)?\{\s*"')
"""How JSON begins, and CSV does not, whatever the file is called."""
PARQUET = b"PAR1"
SAMPLE = 1_000
"""Rows that a source shows of itself, and characters that they have together at most."""
SAMPLE_CHARACTERS = 4 * 1024 * 1024


class Source:
    """Rows of one file; `rows` starts anew at each call.

    `name` is the file's without its folder, `form` one of `csv`, `jsonl`, `json`, `parquet` and `rows`. `columns` are
    those of the header, or of the `sample`, which has the first rows that can be read, up to 1,000; later rows of JSON
    can have more. `told` says in sentences what was found out. `fingerprint` is the SHA-256 of the file's bytes in
    hexadecimal, once its rows were read to the end, and "" before. `delimiter` is that of CSV.
    """

    def __init__(self, name: str, form: str) -> None:
        self.name, self.form = name, form
        self.columns: list[str] = []
        self.sample: list[Row] = []
        self.told: list[str] = []
        self.fingerprint = ""
        self.delimiter = ""

    def rows(self) -> Iterator[Row | BadRow]:
        """All rows, in order; memory does not grow with the file.

        Raises SourceProblem where the file cannot be read to its end, or changed meanwhile.
        """
        raise NotImplementedError


class _Read(Source):
    """A source that looks at its first rows when it is made."""

    def take_sample(self) -> None:
        """Fill `sample`, and `columns` where no header gave them. Raises SourceProblem where there is no row at all."""
        bad: BadRow | None = None
        characters, read = 0, 0
        with closing(self._stream()) as rows:
            for read, row in enumerate(rows, 1):
                if isinstance(row, Row):
                    self.sample.append(row)
                    characters += len(row.raw)
                else:
                    bad = bad or row
                if len(self.sample) >= SAMPLE or characters > SAMPLE_CHARACTERS or (read >= SAMPLE and not self.sample):
                    break
        if bad and not self.sample and (read >= SAMPLE or not self.columns):
            among = f" among the first {read:,}" if read >= SAMPLE else ""
            if self.form == "rows":
                raise SourceProblem(f"No row can be read{among}: row {bad.line} {bad.why}", "Give objects with values.")
            raise SourceProblem(
                f"{self.name} was taken for {self.form.upper()}, and no row of it can be read{among}: "
                f"line {bad.line} {bad.why}",
                "Look at how it was made, or say what it is: --form, --delimiter, --encoding.",
            )
        if not read:
            what = "has a header and no rows" if self.columns and self.form == "csv" else "has no rows"
            raise SourceProblem(f"{self.name} {what}", "Look at how it was made: there is nothing to do.")
        if not self.columns:
            self.columns = list(dict.fromkeys(column for row in self.sample for column in row.values))

    def rows(self) -> Iterator[Row | BadRow]:
        self.fingerprint = ""
        return self._stream()

    def _stream(self) -> Generator[Row | BadRow]:
        raise NotImplementedError


class _Text(_Read):
    """CSV, JSONL, or a list in JSON."""

    def __init__(self, path: Path, state: State, form: str, encoding: str, dialect: Dialect | None) -> None:
        super().__init__(path.name, form)
        self._path, self._state, self._encoding, self._dialect = path, state, encoding, dialect
        if dialect:
            self.columns, self.delimiter = dialect.columns, dialect.delimiter

    def _stream(self) -> Generator[Row | BadRow]:
        with Reading(self._path, self._state) as reading:
            with damage_told(self.name):
                text = text_of(reading.stream, self._encoding)
                if self._dialect:
                    yield from csv_rows(text, self._dialect, self._say)
                else:
                    yield from jsonl_rows(text) if self.form == "jsonl" else list_rows(self.name, text)
            self.fingerprint = reading.finish()

    def _say(self, sentence: str) -> None:
        if sentence not in self.told:
            self.told.append(sentence)


class _Parquet(_Read):
    def __init__(self, path: Path, state: State) -> None:
        super().__init__(path.name, "parquet")
        self._path, self._state = path, state
        self.columns = parquet_columns(path)

    def _stream(self) -> Generator[Row | BadRow]:
        with Reading(self._path, self._state) as reading:
            yield from parquet_rows(self._path)
            self.fingerprint = reading.finish()


class _Given(_Read):
    """Rows that are in memory already."""

    def __init__(self, rows: list[JSON]) -> None:
        super().__init__("the rows", "rows")
        self._rows = rows

    def _stream(self) -> Generator[Row | BadRow]:
        hashed = sha256()
        for number, values in enumerate(self._rows, 1):
            raw = json.dumps(values, ensure_ascii=False)
            hashed.update(raw.encode("utf-8", "surrogatepass") + b"\n")
            why = not_text(raw) or ("" if values else "has no value")
            yield BadRow(number, shown(raw), why) if why else Row(number, values, raw)
        self.fingerprint = hashed.hexdigest()


def open_source(
    path: Path, *, form: str = "", encoding: str = "", delimiter: str = "", header: bool | None = None
) -> Source:
    """What is in a file of rows. What is not given is found out: form, encoding, delimiter, whether there is a header.

    Raises SourceProblem where the file cannot be read, or is no file of rows.
    """
    if form and form not in FORMS:
        raise SourceProblem(f"There is no form {form!r}", f"The forms are {', '.join(FORMS)}.")
    state = looked_at(path)
    head, packed = head_of(path, state)
    if form == "parquet" or (not form and head.startswith(PARQUET)):
        source: _Read = _Parquet(path, state)
        about = "Parquet"
    else:
        codec, encoded = encoding_of(path, state, head, encoding)
        # What is cut by the end of the head is no damage.
        start = head.decode(codec, "replace")
        whole = len(head) < HEAD
        form = form or _form(path, start, whole=whole)
        dialect = None
        if form == "csv":
            delimiter = delimiter or ("\t" if path.suffix.lower() in (".tsv", ".tab") else "")
            dialect = dialect_of(path.name, start, whole=whole, delimiter=delimiter, header=header)
        source = _Text(path, state, form, codec, dialect)
        about = ", ".join([f"{form.upper()} in {encoded}", *(dialect.told if dialect else [])])
    source.take_sample()
    count = len(source.columns)
    source.told.insert(
        0, f"{path.name} is {about}{', packed with gzip' * packed}, with {count} column{'s' * (count != 1)}"
    )
    return source


def source_of_rows(rows: list[JSON]) -> Source:
    """Rows that were given as objects, numbered from 1. Raises SourceProblem where there is none."""
    source = _Given(rows)
    source.take_sample()
    return source


def _form(path: Path, start: str, *, whole: bool) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".gzip")]
    by_name = SUFFIXES.get(suffixes[-1], "") if suffixes else ""
    if by_name == "jsonl" or (by_name == "csv" and JSON_ALL_THE_SAME.match(start) is None):
        return by_name
    begins = start.lstrip("\ufeff \t\r\n")[:1]
    if begins == "{":
        return "jsonl" if is_one_line(start, whole=whole) else "json"
    if by_name == "parquet":
        raise SourceProblem(f"{path.name} is no Parquet", "Say what it is, such as --form csv.")
    return "json" if begins == "[" or by_name == "json" else "csv"
