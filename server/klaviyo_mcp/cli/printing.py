"""Answers as people and programs want them printed: a table, JSON, CSV, JSON Lines, or the text that models get."""

import json
import sys
from collections.abc import Sequence
from typing import IO, Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from klaviyo_mcp.answers.dotted import flat, main_list, names_in, value_at
from klaviyo_mcp.answers.exporting import as_csv, as_jsonl
from klaviyo_mcp.answers.text import EXPLAINED
from klaviyo_mcp.cli.output import print_json, warn
from klaviyo_mcp.klaviyo.user_text import is_written_by_users, said
from klaviyo_mcp.klaviyo.words import one_line, visible
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping, objects

Form = Literal["json", "table", "csv", "jsonl", "text"]
OUTPUTS = "json, table, csv, jsonl or text; a table by default in a terminal, else json."
ROWS: tuple[Form, ...] = ("csv", "jsonl")
"""Forms of rows alone: what else an answer says goes to stderr."""
LONGEST_CELL = 300
"""Characters of one value in a table; CSV and JSON have all of it."""
WIDEST_COLUMN = 36
NARROWEST = 9
"""Columns of a terminal that each column of a table needs to be read; with fewer, records are listed instead."""
SAID_ELSEWHERE = ("count", "records", "ids", "record", "next_cursor")


def usual_form() -> Form:
    """What is printed when nothing is said: a table for a person, JSON for a program, which always had that."""
    return "table" if sys.stdout.isatty() else "json"


class _Console(Console):
    """Rich's, which leaves it to `main` to end quietly where nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """See Console, which would end with the exit code for a failure."""
        raise BrokenPipeError


def console_for(stream: IO[str] | None = None, width: int | None = None) -> Console:
    """A console as wide as the terminal, 80 columns where there is none; it knows NO_COLOR, FORCE_COLOR and TERM."""
    return _Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def rows_of(data: JSON) -> list[Any]:
    """What an answer lists; else the record it is about, or itself, as the only row."""
    name = main_list(data)
    if name == "records" or name == "ids":
        return [row if is_object(row) else {"id": row} for row in items(data[name])]
    if name:
        found: Any = data
        for part in name.split("."):
            found = mapping(found).get(part)
        return items(found)
    return [record] if (record := mapping(data.get("record"))) else [data] if "record" not in data else []


def fields_of(text: str) -> tuple[str, ...]:
    """The names that stand in `id,name,location.city`."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def chosen(rows: Sequence[Any], fields: Sequence[str]) -> list[JSON]:
    """The fields that are wanted of each row, by dotted names, in their order; told on stderr where no row has one."""
    made = [row if is_object(row) else {"value": row} for row in rows]
    if not fields:
        return made
    known = names_in(made)
    missing = [name for name in fields if all(value_at(row, name) is None for row in made)]
    if made and missing:
        warn([f"No record here has {', '.join(map(visible, missing))}. There are: {', '.join(map(visible, known))}."])
    return [{name: value_at(row, name) for name in fields} for row in made]


def print_rows(rows: Sequence[JSON], form: Form) -> None:
    """Rows as CSV, in which nothing is a formula, or as JSON Lines."""
    write(as_csv(rows) if form == "csv" else as_jsonl(rows))


def write(text: str) -> None:
    """To stdout as it is, with the ends of lines that it has."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def print_answer(data: JSON, form: Form, *, text: str, summary: str, fields: Sequence[str] = ()) -> None:
    """An answer in the form that is wanted; `text` is what a model gets of it."""
    if form == "json":
        print_json(with_fields(data, fields))
    elif form in ROWS:
        print_rows(chosen(rows_of(data), fields), form)
        warn(beside(data))
    elif form == "text":
        print(text, flush=True)
    else:
        _print_table(data, summary, fields)


def with_fields(data: JSON, fields: Sequence[str]) -> JSON:
    """The answer with the fields of its records that are wanted; nothing else of it is left out."""
    if not fields:
        return data
    name = main_list(data)
    if name in ("records", "ids"):
        return {**data, "records": chosen(rows_of(data), fields)}
    if record := mapping(data.get("record")):
        return {**data, "record": chosen([record], fields)[0]}
    return data


def beside(data: JSON) -> list[str]:
    """What an answer says beside its rows: warnings, what was left out, and that there is more."""
    told = [str(one) for one in items(data.get("warnings"))]
    told += [str(data[key]) for key in ("left_out", "how_to_read_on") if key in data]
    if cursor := data.get("next_cursor"):
        told.append(f"There is more: add --all, or go on with --json '{json.dumps({'cursor': cursor})}'.")
    return [visible(one_line(one, 600)) for one in told]


def print_table(rows: Sequence[JSON], console: Console) -> None:
    """Rows as a table where the terminal is wide enough for one, else a line for each field of each."""
    flats = [flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flats for name in row if row[name] not in (None, "", [], {})))
    width = console.width
    needs = {name: max([len(name), *(len(cell(row.get(name))) for row in flats)]) for name in names}
    if sum(min(need, NARROWEST) + 2 for need in needs.values()) > width or len(rows) == 1:
        for number, row in enumerate(flats):
            if number:
                console.print()
            print_fields({name: row[name] for name in names if row.get(name) not in (None, "")}, console)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        number = all(isinstance(row.get(name), int | float | None) for row in flats)
        table.add_column(
            Text(cell(name)),
            overflow="fold",
            justify="right" if number else "left",
            max_width=None if sum(needs.values()) + 2 * len(names) <= width else max(WIDEST_COLUMN, width // 3),
        )
    for row in flats:
        table.add_row(*(Text(cell(row.get(name))) for name in names))
    console.print(table)


def print_fields(record: JSON, console: Console) -> None:
    """A record with a line for each of its fields; what is long goes on below its beginning."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True, max_width=max(20, console.width // 2))
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(Text(cell(name)), Text(cell(value)))
    console.print(table)


def cell(value: Any) -> str:
    """A value on one line: words of customers marked, and nothing in it that a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, str):
        return visible(said(value, lambda text: one_line(text, LONGEST_CELL)))
    if is_object(value) or is_list(value) or isinstance(value, bool):
        if is_list(value) and value and all(isinstance(one, str | int | float) for one in value):
            return ", ".join(cell(one) for one in value)
        written = one_line(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")), LONGEST_CELL)
        return visible(f"⟦{written}⟧" if is_written_by_users(value) else written)
    return str(value)


def _print_table(data: JSON, summary: str, fields: Sequence[str]) -> None:
    console = console_for()
    console.print(Text(cell(summary), style="dim"))
    if is_written_by_users(data):
        console.print(Text(EXPLAINED, style="dim"))
    name = main_list(data)
    rows = rows_of(data)
    if rows and rows != [data]:
        print_table(chosen(rows, fields), console)
    rest = {key: value for key, value in data.items() if key not in SAID_ELSEWHERE and key != name.partition(".")[0]}
    for key, value in rest.items():
        table = objects(value) if is_list(value) else []
        if len(table) > 1 and len(table) == len(value):
            console.print(Text(f"\n{key}", style="bold"))
            print_table(table, console)
    plain = {key: value for key, value in rest.items() if not (is_list(value) and len(objects(value)) > 1)}
    if plain:
        if rows and rows != [data]:
            console.print()
        print_fields(plain, console)
    if cursor := data.get("next_cursor"):
        console.print(Text(f"There is more: add --all, or --set cursor={cursor}", style="dim"))
