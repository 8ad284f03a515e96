"""What TAB offers: commands, options, actions, arguments and their values, ids, accounts and jobs.

A shell asks at each TAB and waits, so nothing is imported here but the standard library, nothing is sent to Klaviyo,
and whatever goes wrong, nothing is offered. Commands and actions are read from an index, which is made anew whenever
the program has changed: see `completion_index`.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from klaviyo_mcp.cli.completing_words import for_bash, words_of
from klaviyo_mcp.cli.lately import home_of, seen_lately

VARIABLE = "_KLAVIYO_MCP_COMPLETE"
"""Names the shell that asks; the words up to the cursor, a line each, are in the second, for bash the line as it is."""
WORDS = "_KLAVIYO_MCP_WORDS"
BREAKS = "_KLAVIYO_MCP_BREAKS"
FILES = ":files"
"""Offered where a file or a folder goes: shells know best what there is of them."""
LONGEST_HELP = 70
Offer = tuple[str, str]
"""A word, and what it is in few words."""


def main() -> None:
    """Print what fits, a line each; for zsh and fish with what it is, behind a tab."""
    shell, given = os.environ.get(VARIABLE, ""), os.environ.get(WORDS, "")
    if shell == "fish":
        given = given.removesuffix("\n")  # that of the last word, which fish has as it has those of the others
    with suppress(Exception):
        lines = _lines_for_bash(given) if shell == "bash" else _lines(given.split("\n"))
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def _lines(words: list[str]) -> Iterator[str]:
    for word, told in offers(words[1:]):
        told = " ".join(told.split())[:LONGEST_HELP]
        yield f"{word}\t{told}" if told else word


def _lines_for_bash(line: str) -> list[str]:
    """Of the line up to the cursor: bash itself takes it apart at = and :, and leaves quotes in place."""
    words, quote, _ = words_of(line)
    found = [word for word, _ in offers(words[1:])]
    return found if found == [FILES] else for_bash(found, words[-1], quote, os.environ.get(BREAKS, ""))


def offers(words: list[str]) -> list[Offer]:
    """What may stand in place of the last of these words, which follow the program's name."""
    *before, begun = words or [""]
    index = read_index()
    node, given = _walked(index["commands"], before)
    if given.waiting is not None:
        return _of_parameter(index, given.waiting, given, begun)
    if begun.startswith("-") and "=" in begun:
        flag, _, value = begun.partition("=")
        option = node["options"].get(flag)
        found = _of_parameter(index, option, given, value) if option else []
        return [(word if word == FILES else f"{flag}={word}", told) for word, told in found]
    if begun.startswith("-"):
        return fitting(begun, ((flag, one["help"]) for flag, one in node["options"].items()))
    if node["commands"]:
        return fitting(begun, ((name, one["help"]) for name, one in node["commands"].items()))
    place = len(given.positional)
    arguments = node["arguments"]
    if not arguments or (place >= len(arguments) and not arguments[-1]["many"]):
        return []
    return _of_parameter(index, arguments[min(place, len(arguments) - 1)], given, begun)


def _of_parameter(index: dict[str, Any], parameter: dict[str, Any], given: "Given", begun: str) -> list[Offer]:
    if parameter["values"] == "files":
        return [(FILES, "")]
    return fitting(begun, of_option(index, parameter, given, begun))


class Given:
    """What was typed before: arguments, values of options by their names, and the option that waits for its value."""

    def __init__(self) -> None:
        self.positional: list[str] = []
        self.options: dict[str, list[str]] = {}
        self.waiting: dict[str, Any] | None = None

    @property
    def account(self) -> str:
        """The account that is named, "" for none."""
        return self.options.get("account", [""])[-1]


def _walked(tree: dict[str, Any], before: list[str]) -> tuple[dict[str, Any], Given]:
    """The command that words lead to, and what was given to it."""
    node, given = tree, Given()
    for word in before:
        if given.waiting is not None:
            given.options.setdefault(given.waiting["name"], []).append(word)
            given.waiting = None
        elif word.startswith("-") and len(word) > 1:
            flag, equals, value = word.partition("=")
            option = node["options"].get(flag)
            if option and option["takes"] and not equals:
                given.waiting = option
            elif option and equals:
                given.options.setdefault(option["name"], []).append(value)
        elif word in node["commands"]:
            node = node["commands"][word]
        else:
            given.positional.append(word)
    return node, given


def fitting(begun: str, known: Iterable[Offer]) -> list[Offer]:
    """Those that begin with what was typed, whatever their letters' size; else those that hold it."""
    low, every = begun.casefold(), list(known)
    return [one for one in every if one[0].casefold().startswith(low)] or [
        one for one in every if len(low) > 2 and low in one[0].casefold()
    ]


def of_option(index: dict[str, Any], option: dict[str, Any], given: Given, begun: str) -> Iterator[Offer]:
    """What an option or an argument may be."""
    source = option["values"]
    listed, comma, last = begun.rpartition(",") if option["listed"] else ("", "", begun)
    action = index["actions"].get(given.positional[0]) if given.positional else None
    if not comma:
        yield from ((choice, "") for choice in option["choices"])
    if source == "actions":
        yield from ((f"{listed}{comma}{name}", one["summary"]) for name, one in index["actions"].items())
        if not option["listed"]:
            yield from ((f"guide:{topic}", title) for topic, title in index["guides"].items())
    elif source in ("toolsets", "clients"):
        yield from ((f"{listed}{comma}{name}", "") for name in index[source])
    elif source == "fields" and action:
        yield from ((f"{listed}{comma}{name}", "") for name in action["fields"])
    elif source == "paths" and action:
        yield from ((name, one["help"]) for name, one in action["arguments"].items())
    elif source == "settings" and action:
        yield from of_setting(action, begun, given.account)
    elif source == "options of a kind" and given.positional:
        kind = index["kinds"].get(given.positional[0])
        yield from of_setting(kind, begun, given.account) if kind else ()
    elif source.startswith("ids:"):
        yield from values({"values": [], "ids": [source.removeprefix("ids:")]}, given.account, begun)
    elif source == "json":
        yield from files_at(last)
    elif source == "accounts":
        yield from ((name, "") for name in accounts())
    elif source == "jobs":
        yield from jobs()


def of_setting(action: dict[str, Any], begun: str, account: str) -> Iterator[Offer]:
    """`NAME=` for each argument of an action; once there is an equals sign, its values."""
    name, equals, value = begun.partition("=")
    if not equals:
        yield from ((f"{argument}=", one["help"]) for argument, one in action["arguments"].items())
    elif name in action["arguments"]:
        yield from ((f"{name}={word}", told) for word, told in values(action["arguments"][name], account, value))
        yield from ((f"{name}={word}", told) for word, told in files_at(value))


def values(argument: dict[str, Any], account: str, begun: str) -> Iterator[Offer]:
    """Values of an argument: those of its list, or ids that were seen lately with their names, or `name:NAME`."""
    yield from ((value, "") for value in argument["values"])
    if argument["ids"]:
        seen = seen_lately(os.environ.get("KLAVIYO_MCP_HOME"), account, argument["ids"])
        yield from seen.items()
        if begun and "name:".startswith(begun[:5]):
            names = list(seen.values())
            yield from ((f"name:{name}", id) for id, name in seen.items() if name and names.count(name) == 1)


def files_at(begun: str) -> Iterator[Offer]:
    """Files for `@FILE`, once the @ is there; folders end in a slash."""
    if not begun.startswith("@") or begun.startswith("@@"):
        return
    folder, slash, base = begun[1:].rpartition("/")
    for entry in sorted(os.scandir(Path(f"{folder}{slash}" or ".").expanduser()), key=lambda entry: entry.name):
        if entry.name.startswith(base) and (base or not entry.name.startswith(".")):
            yield f"@{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}", ""


def accounts() -> list[str]:
    """The names of the connected accounts, where they are kept in files."""
    folder = home_of(os.environ.get("KLAVIYO_MCP_HOME")) / "vault" / "accounts"
    return sorted(path.stem for path in folder.glob("*.json"))


def jobs() -> Iterator[Offer]:
    """The ids of the jobs in this machine's file, the newest first, with what they are."""
    import sqlite3  # which other words do not need

    file = home_of(os.environ.get("KLAVIYO_MCP_HOME")) / "jobs" / "jobs.sqlite"
    if os.environ.get("KLAVIYO_MCP_JOBS_URL") or not file.is_file():
        return
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)
    try:
        query = "SELECT id, state, facts FROM klaviyo_jobs WHERE state <> 'draft' ORDER BY created DESC LIMIT 50"
        for number, state, facts in connection.execute(query):
            about = json.loads(facts)
            yield number, f"{state}: {about.get('does', '')} {about.get('kind', '')} {about.get('file', '')}"
    finally:
        connection.close()


def read_index() -> dict[str, Any]:
    """Commands and actions as they are now. Raises whatever may go wrong while the index is made."""
    stamp = stamp_now()
    file = home_of(os.environ.get("KLAVIYO_MCP_HOME")) / "completion.json"
    with suppress(OSError, ValueError):
        index = json.loads(file.read_text("utf-8"))
        if index.get("stamp") == stamp:
            return index
    from klaviyo_mcp.cli.completion_index import make_index  # everything, once after each change of the program

    index = {"stamp": stamp, **make_index()}
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(index), "utf-8")
        draft.replace(file)
    return index


def stamp_now() -> str:
    """Another text whenever the program or its actions have changed."""
    package = Path(__file__).resolve().parent.parent
    places = [package, *(package / name for name in ("cli", "guides", "installing", "jobs"))]
    for folder in (package / "jobs", package.parent.parent / "tool_specs"):
        places += [entry for entry in _entries(folder) if entry.is_dir()]
    latest, count = 0, 0
    for place in places:
        for entry in os.scandir(place):
            if entry.name.endswith((".py", ".yaml", ".json", ".md")):
                latest, count = max(latest, entry.stat().st_mtime_ns), count + 1
    return f"{package}|{latest}|{count}"


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
