"""Rows of CSV: its delimiter and header found out, each row held to the width of the header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem
from klaviyo_mcp.jobs.text_lines import LONGEST_LINE, Lines, LineTooLong, not_text, shown

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LOOKED_AT = 200
"""Rows by which the delimiter is found out."""
DATA = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[+-]?[\d .,/:()-]*\d[\d .,/:()TZ-]*")
"""Cells that are mostly no names of columns: addresses, numbers, times. A year can be one."""
LONGEST_DATA = 100
MOST_TITLES = 10
"""Rows above a header at most."""
FORMULA = '="'
SPREADSHEET = re.compile(r'="([^"]*)"')
"""How a spreadsheet is made to keep a text of digits."""
ONE_BLANK = "1 row without any value was passed over"
SEPARATOR = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""A first line by which Excel is told the delimiter."""


@dataclass(slots=True)
class Dialect:
    """How CSV is written: its delimiter, its columns, lines before the first row, and what is told of that."""

    delimiter: str
    columns: list[str]
    skipped: int
    told: list[str]


def dialect_of(name: str, head: str, *, whole: bool, delimiter: str, header: bool | None) -> Dialect:
    """How CSV is written that begins with `head`, which is the `whole` file or a part.

    Raises SourceProblem where it has no row, or a header that tells columns apart by nothing.
    """
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise SourceProblem(f"{delimiter!r} cannot be a delimiter", "Give one character, such as ; or a tab.")
    lines = list(io.StringIO(head, newline=""))
    if not whole and len(lines) > 1:
        lines.pop()
    told: list[str] = []
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise SourceProblem(f"{name} has nothing but empty lines", "Look at how it was made.")
    if said := SEPARATOR.fullmatch(lines[first]):
        first, delimiter = first + 1, delimiter or said[1]
    titles = _title_lines(lines[first:], delimiter) if header is not False else 0
    if titles:
        many = f"{titles} lines above its header, which are" if titles > 1 else "1 line above its header, which is"
        told.append(f"with {many} passed over")
        first += titles
    found = delimiter or _delimiter(lines[first:])
    rows = _rows(lines[first:], found)
    top = next(rows, None)
    if top is None:
        raise SourceProblem(f"{name} has no row", "Look at how it was made.")
    told.append(f"separated by {DELIMITERS.get(found, repr(found))}" if found else "one column")
    headed = _is_header(top[1], next(rows, (0, list[str]()))[1]) if header is None else header
    if not headed:
        columns = [f"column_{number}" for number in range(1, len(top[1]) + 1)]
        why = "as its first row has values" if header is None else "as was said"
        return Dialect(
            found or ",", columns, first, [*told, f"without a header, {why}: columns are {_spoken(columns)}"]
        )
    columns, renamed = _names(name, top[1])
    return Dialect(found or ",", columns, first + top[0], told + renamed)


def csv_rows(text: io.TextIOBase, dialect: Dialect, told: Callable[[str], None]) -> Iterator[Row | BadRow]:
    """Every row of CSV after its header; `told` is given what there is to say of all of them at the end."""
    lines = Lines(text)
    for _ in range(dialect.skipped):
        next(lines, None)
    columns, width, taken = dialect.columns, len(dialect.columns), lines.taken
    reader, line, blank, formulas = _reader(lines, dialect), 1 + dialect.skipped, 0, 0
    while True:
        taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            break
        except (csv.Error, LineTooLong) as error:
            # What a quotation mark that is never closed had swallowed is read once more, without it.
            yield BadRow(line, shown(taken[0]), _why(error, taken))
            lines.back(taken[1:])
            line += 1
            reader = _reader(lines, dialect)
            continue
        first, line = line, line + len(taken)
        raw = taken[0] if len(taken) == 1 else "".join(taken)
        if FORMULA in raw:
            plain = [_unwrapped(field) for field in fields]
            fields, formulas = plain, formulas + (plain != fields)
        if not any(fields):
            blank += 1
            continue
        if len(fields) < width or any(fields[width:]):
            yield BadRow(first, shown(raw), _width(len(fields), width, raw))
        elif why := not_text(raw):
            yield BadRow(first, shown(raw), why)
        else:
            yield Row(first, dict(zip(columns, fields, strict=False)), raw.rstrip("\r\n"))
    if blank:
        told(f"{blank:,} rows without any value were passed over" if blank > 1 else ONE_BLANK)
    if formulas:
        told(f'Values of {formulas:,} row{"s" * (formulas > 1)} that were written as ="…" are taken without that')


def _unwrapped(field: str) -> str:
    match = SPREADSHEET.fullmatch(field.strip())
    return match[1] if match else field


def _reader(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=dialect.delimiter, strict=True)


def _why(error: Exception, taken: list[str]) -> str:
    if isinstance(error, LineTooLong) and len(taken) == 1:
        return f"is longer than {LONGEST_LINE:,} characters"
    said = str(error)
    if "expected after" in said and len(taken) == 1:
        return "has a quotation mark within quotation marks that is not doubled"
    if "field larger" in said and len(taken) == 1:
        return f"has a value longer than {csv.field_size_limit():,} characters"
    if len(taken) == 1:
        return "opens a quotation mark that is never closed, as a row that was cut off"
    return "opens a quotation mark that is not closed in its own value"


def _width(count: int, width: int, raw: str) -> str:
    said = f"has {count} value{'s' * (count != 1)} where the header has {width}"
    return said if raw.endswith(("\n", "\r")) else f"{said}; the file ends here, maybe cut off"


def _delimiter(lines: list[str]) -> str:
    """The delimiter that gives most rows the width of the first, the wider where several do; "" for one column."""
    best: tuple[float, int, str] = (0.0, 1, "")
    for delimiter in DELIMITERS:
        widths = [len(row) for _, row in islice(_rows(lines, delimiter), LOOKED_AT)]
        if widths and widths[0] > 1:
            same = Counter(widths)[widths[0]] / len(widths)
            best = max(best, (round(same, 1), widths[0], delimiter))
    return best[2]


def _title_lines(lines: list[str], delimiter: str) -> int:
    """How many lines stand above the header, as reports have with their name and date: each of one cell, a text."""
    tops = [next(_rows(lines, mark), (0, list[str]()))[1] for mark in ([delimiter] if delimiter else DELIMITERS)]
    if any(sum(bool(cell.strip()) for cell in top) > 1 for top in tops):
        return 0
    for mark in [delimiter] if delimiter else DELIMITERS:
        rows = list(islice(_rows(lines, mark), LOOKED_AT))
        usual, count = Counter(len(row) for _, row in rows).most_common(1)[0] if rows else (0, 0)
        if usual < 2 or count * 10 < len(rows) * 6:
            continue
        above = 0
        for end, row in rows[:MOST_TITLES]:
            filled = [cell.strip() for cell in row if cell.strip()]
            if len(filled) > 1 or len(row) not in (1, usual):
                return 0 if any(map(_is_data, filled)) else above
            if _is_data(filled[0]):
                return 0
            above = end
    return 0


def _rows(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with how many lines were read to its end."""
    reader = csv.reader(iter(lines), delimiter=delimiter or ",")
    try:
        for row in reader:
            if any(row):
                yield reader.line_num, row
    except csv.Error:
        return


def _is_header(cells: list[str], below: list[str]) -> bool:
    """Whether a row has names: no cell is data, or the row below has data where it has none."""
    first, second = ([_is_data(cell.strip()) for cell in row] for row in (cells, below))
    if "@" in "".join(cell for cell, is_data in zip(cells, first, strict=True) if is_data):
        return False
    return not any(first) or any(two and not one for one, two in zip(first, second, strict=False))


def _is_data(cell: str) -> bool:
    return len(cell) <= LONGEST_DATA and DATA.fullmatch(cell) is not None


def _names(name: str, cells: list[str]) -> tuple[list[str], list[str]]:
    """The names of columns, and what is told of those that had none."""
    columns = [re.sub(r"\s+", " ", cell.replace("\ufeff", "").replace("\u200b", "")).strip() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    empty = [index for index, column in enumerate(columns) if not column]
    for index in empty:
        columns[index] = f"column_{index + 1}"
    if twice := [column for column, count in Counter(columns).items() if count > 1]:
        raise SourceProblem(
            f"The header of {name} has {_spoken(twice)} more than once",
            "Give each column a name of its own: which one is meant cannot be told.",
        )
    return columns, [f"columns without a name are {_spoken([columns[index] for index in empty])}"] if empty else []


def _spoken(names: list[str]) -> str:
    said = ", ".join(repr(name) for name in names[:10])
    return said if len(names) <= 10 else f"{said} and {len(names) - 10} more"
