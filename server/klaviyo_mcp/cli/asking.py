"""Questions to whoever sits at the terminal: arguments that are missing, and whether something shall be done.

All of it stands on stderr, so that stdout has the answer and nothing else.
"""

import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from rich.text import Text

from klaviyo_mcp.answers.held import question
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.cli.printing import cell, console_for
from klaviyo_mcp.cli.setting import Settings, WrongSetting, choices_of, kinds_of, value_from
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.worked_example import compact, worked_example

SHALL_IT = "Shall this be done?"
MOST_CHOICES = 30
"""Values of an enumeration that are numbered; of more a few are told, and one is typed."""


class LeftOff(Exception):
    """Whoever was asked for a line broke it off."""


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end; a stream that was closed before the program began is None."""
    return stream is not None and stream.isatty()


def somebody_is_there() -> bool:
    """Whether questions are seen and can be answered."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def typed_in(name: str, default: str | None) -> str:
    """What is typed in on one line. Raises KeyboardInterrupt, also for the end of the input."""
    try:
        return str(typer.prompt(name, default=default, err=True)).strip()
    except typer.Abort:
        typer.echo("\nNothing was sent.", err=True)
        raise KeyboardInterrupt from None


def with_missing(spec: ActionSpec, given: JSON, read: Callable[[str, str | None], str] = typed_in) -> JSON:
    """The arguments with those that are required and not given, asked for one by one. Raises what `read` raises.

    `read` asks for the value of the argument that is named, with its default, None where there is none.
    """
    missing = [name for name in spec.required if given.get(name) is None]
    if not missing:
        return given
    console = console_for(sys.stderr)
    console.print(Text(f"{spec.name}: {spec.told_summary}", style="bold"))
    made = Settings(spec, {name: value for name, value in given.items() if value is not None})
    for name in missing:
        _put(made, spec, name, read)
    return made.arguments


def _put(made: Settings, spec: ActionSpec, name: str, read: Callable[[str, str | None], str]) -> None:
    definitions = mapping(spec.plain_schema.get("$defs"))
    schema = resolved(mapping(mapping(spec.plain_schema.get("properties")).get(name)), definitions)
    choices = choices_of(schema, definitions)
    _tell(schema, choices, definitions)
    while True:
        typed = read(name, str(schema["default"]) if "default" in schema else None)
        if typed.isdecimal() and 0 < int(typed) <= len(choices) <= MOST_CHOICES and int(typed) not in choices:
            typed = str(choices[int(typed) - 1])
        elif choices and "array" not in kinds_of(schema, definitions) and typed not in map(str, choices):
            typer.echo(f"{visible(typed)!r} is none of them.", err=True)
            continue
        try:
            made.put(name, value_from(name, typed))
        except WrongSetting as error:
            typer.echo(str(error), err=True)
            continue
        return


def _tell(schema: JSON, choices: list[Any], definitions: JSON) -> None:
    console = console_for(sys.stderr)
    kinds = kinds_of(schema, definitions)
    said = str(schema.get("description", "")).strip()
    if said:
        console.print(Text(said, style="dim"))
    if 0 < len(choices) <= MOST_CHOICES:
        for number, value in enumerate(choices, 1):
            console.print(Text(f"  {number}. {value}"))
    elif choices:
        console.print(Text(f"  one of {len(choices)}, such as {', '.join(map(str, choices[:6]))}"))
    if kinds & {"array", "object"} and not choices:
        example = compact(worked_example(schema, definitions))
        console.print(Text(f"  JSON, such as {cell(example)}, or @FILE", style="dim"))


async def agreed_by_person(plan: Answer) -> bool:
    """Whether who sits at the terminal agrees to what a call would do. Raises KeyboardInterrupt."""
    typer.echo(visible(question(plan)), err=True)
    # Here, and not in a thread: nothing else is under way, and nobody could interrupt a thread that reads.
    with interruptible():
        try:
            return typer.confirm(SHALL_IT, err=True)
        except typer.Abort:
            typer.echo("\nNothing was done.", err=True)
            raise KeyboardInterrupt from None


async def agreed_beforehand(_plan: Answer) -> bool:
    """What --yes says, also where a policy wants to be asked."""
    return True


@contextmanager
def interruptible() -> Generator[None]:
    """Ctrl-C ends a question at once: the event loop's own handler would wait for what it cannot interrupt."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
