"""Texts of a file as values: numbers, times and yes or no as people and spreadsheets write them.

A reading is what a column's texts are taken for. It is decided once for the column, by `reading_of`, so that one value
cannot be read one way and the next another.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from typing import Any

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
COMMA_NUMBER = re.compile(r"-?(0|[1-9]\d{0,2}(\.\d{3}){0,4}|[1-9]\d{0,14})(,\d{1,15})?")
"""A number with a decimal comma, its thousands with points."""
GROUPED_NUMBER = re.compile(r"-?[1-9]\d{0,2}(,\d{3}){1,4}(\.\d{1,15})?")
COMMA_SHOWS = re.compile(r"-?[\d.]*\d,(\d{1,2}|\d{4,})")
"""Numbers whose comma can only be a decimal one, as three digits would be thousands."""
POINT_SHOWS = re.compile(r"-?[\d,]*\d\.(\d{1,2}|\d{4,})")
MONEY = re.compile(r"^[€$£]\s*|\s*[€$£]$|[\s\u00a0\u202f']")
DIGITS = 15
"""More digits than these a JSON number does not keep."""
YES = {"true", "yes", "y", "1", "ja", "j", "oui", "si", "sí", "sì", "sim", "tak", "x", "on"}
NO = {"false", "no", "n", "0", "nein", "non", "não", "nie", "nee", "off"}
DAY = r"(?P<a>\d{1,4})(?P<joint>[./-])(?P<b>\d{1,2})(?P=joint)(?P<c>\d{1,4})"
CLOCK = r"(?:[T ]\s*(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d)(?P<f>[.,]\d{1,9})?)?\s*(?P<half>[AaPp][Mm])?)?"
OFFSET = r"\s*(?P<offset>[Zz]|UTC|[+-]\d\d:?\d\d)?"
TIME = re.compile(DAY + CLOCK + OFFSET)
PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")
PLAIN_DAY = re.compile(r"[0-3][0-9]([./-])[01][0-9]\1[0-9]{4}")
UNIX = re.compile(r"-?\d{9,10}(\.\d+)?")
UNIX_MS = re.compile(r"\d{12,13}")
HIDDEN = "\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
"""Characters that cannot be seen, as texts have at their ends that were copied from web pages and address books."""
LONGEST = 60
"""Characters of a number or time; longer text is none, and is held against no pattern."""
READINGS = ("text", "number", "number.", "number,", "boolean", "date", "day-first", "month-first", "unix", "unix-ms")


class Wrong(Exception):
    """A value that is not what its place takes: what is wrong, and what to do, both without the value."""

    def __init__(self, why: str, advice: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.advice = advice


def number(text: str, reading: str = "number") -> int | float:
    """The number that a text is. Raises Wrong, also where a comma could be a decimal one or not."""
    text = _short(text, "is not a number", "Write it like 1234.56")
    if reading != "number," and len(text) <= DIGITS and PLAIN_NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    text = MONEY.sub("", text)
    if reading == "number,":
        if COMMA_NUMBER.fullmatch(text) is None:
            raise Wrong("is not a number with a decimal comma", "Write it like 1234,56")
        text = text.replace(".", "").replace(",", ".")
    elif GROUPED_NUMBER.fullmatch(text) and ("." in text or reading == "number." or text.count(",") > 1):
        text = text.replace(",", "")
    elif NUMBER.fullmatch(text) is None:
        if COMMA_NUMBER.fullmatch(text):
            raise Wrong("is a number whose comma can mean two things", "Give --decimal comma or --decimal point")
        raise Wrong("is not a number", "Write it like 1234.56")
    if len(text) > DIGITS and sum(character.isdecimal() for character in text) > DIGITS:
        raise Wrong(f"has more than {DIGITS} digits, which a number does not keep", "Send it as text")
    return float(text) if "." in text else int(text)


def boolean(text: str) -> bool:
    """Yes or no, in some languages. Raises Wrong."""
    word = text.casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise Wrong("is neither yes nor no", "Write true or false")


def moment(text: str, reading: str, zone: tzinfo | None) -> tuple[str, bool]:
    """A time in RFC 3339, and whether it had no offset: then it is that of `zone`, or UTC. Raises Wrong."""
    text = _short(text, "is not a time", "Write it like 2026-11-30T09:00:00Z")
    if reading in ("unix", "unix-ms"):
        fits = (UNIX if reading == "unix" else UNIX_MS).fullmatch(text)
        if fits is None:
            raise Wrong("is not a time in seconds since 1970", "Write it like 2026-11-30T09:00:00Z")
        seconds = float(text) if reading == "unix" else int(text) / 1000
        return _written(datetime.fromtimestamp(seconds, UTC)), False
    if PLAIN_TIME.fullmatch(text) and _is_there(text):
        return text, False  # as most exports have them, in a sixth of the time
    match = TIME.fullmatch(text)
    if match is None:
        raise Wrong("is not a time", "Write it like 2026-11-30T09:00:00Z")
    read = _date(match, reading)
    offset = match["offset"]
    if offset:
        return _written(datetime.fromisoformat(f"{read.isoformat()}{_offset(offset)}")), False
    return _written(read.replace(tzinfo=zone or UTC)), True


def day(text: str, reading: str) -> str:
    """A day as 2026-11-30, or a time as 2026-11-30T09:00:00 with the offset that it had. Raises Wrong."""
    text = _short(text, "is not a day", "Write it like 2026-11-30")
    if len(text) == 10 and text[4] == "-" == text[7] and (found := _read_day(text)):
        return found
    if reading == "day-first" and len(text) == 10 and PLAIN_DAY.fullmatch(text):
        with suppress(ValueError):
            return date(int(text[6:]), int(text[3:5]), int(text[:2])).isoformat()
    match = TIME.fullmatch(text)
    if match is None:
        raise Wrong("is not a day", "Write it like 2026-11-30")
    read = _date(match, reading)
    if match["h"] is None:
        return read.date().isoformat()
    return f"{read.isoformat()}{_offset(match['offset'] or '')}"


def _is_there(text: str) -> bool:
    """Whether there is such a time; `suppress` around it would take longer than to look."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _read_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def reading_of(texts: Iterable[str], *, dates: str = "", decimal: str = "") -> str:
    """What the texts of a column are: one of READINGS, or `ambiguous` for days that can be read in two ways.

    `dates` is `day-first` or `month-first`, `decimal` is `comma` or `point`, where that is known.
    """
    texts = [text for text in (text.strip() for text in texts) if text]
    if not texts or any(len(text) > LONGEST for text in texts):
        return "text"
    if all(text.casefold() in ("true", "false") for text in texts):
        return "boolean"
    mark = decimal_mark(texts, decimal)
    if all(PLAIN_NUMBER.fullmatch(text) for text in texts) and decimal != "comma":
        return "number." if any(POINT_SHOWS.fullmatch(text) for text in texts) else "number"
    if mark == "." and all(PLAIN_NUMBER.fullmatch(text) or GROUPED_NUMBER.fullmatch(text) for text in texts):
        return "number."
    if mark == "," and all(COMMA_NUMBER.fullmatch(text) for text in texts):
        return "number,"
    return order_of_days(texts, dates)


def decimal_mark(texts: Iterable[str], given: str = "") -> str:
    """`,` or `.`, where a column shows its decimal mark or it is given, else nothing."""
    if given:
        return "," if given == "comma" else "."
    texts = [MONEY.sub("", text) for text in texts if len(text) <= LONGEST]
    commas = any(COMMA_SHOWS.fullmatch(text) for text in texts)
    points = any(POINT_SHOWS.fullmatch(text) for text in texts)
    return "" if commas == points else "," if commas else "."


def order_of_days(texts: Iterable[str], dates: str = "") -> str:
    """How days of a column are written, `text` where not all are days, `ambiguous` where both orders can be meant."""
    orders: set[str] = set()
    open_ones = False
    for text in texts:
        match = TIME.fullmatch(text) if len(text) <= LONGEST else None
        if match is None:
            return "text"
        if len(match["a"]) == 4:
            orders.add("date")
        elif len(match["c"]) != 4:
            return "text"
        elif match["joint"] == "." or int(match["a"]) > 12:
            orders.add("day-first")
        elif int(match["b"]) > 12:
            orders.add("month-first")
        else:
            open_ones = open_ones or match["a"] != match["b"]
    if len(orders) > 1 or (dates and orders and orders != {dates} and "date" not in orders):
        return "text"
    if open_ones and not orders:
        return dates or "ambiguous"
    return orders.pop() if orders else "day-first"


def _date(match: re.Match[str], reading: str) -> datetime:
    first, _, second, third, hours, minutes, seconds, parts, half, _ = match.groups()
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4:
        year, month, day_of_month = a, b, c
    elif len(third) != 4 or reading not in ("day-first", "month-first"):
        raise Wrong("is a day that can be read in several ways", "Write it like 2026-11-30")
    else:
        year, month, day_of_month = (c, a, b) if reading == "month-first" else (c, b, a)
    hour = int(hours or 0)
    if half:
        if not 1 <= hour <= 12:
            raise Wrong("is not a time of the day", "Write it like 2026-11-30T09:00:00Z")
        hour = hour % 12 + 12 * (half.lower() == "pm")
    fraction = int(float(f"0.{parts[1:]}") * 1_000_000) if parts else 0
    try:
        return datetime(  # noqa: DTZ001 (its offset is its caller's)
            year, month, day_of_month, hour, int(minutes or 0), int(seconds or 0), fraction
        )
    except ValueError:
        raise Wrong("is a day or time that does not exist", "Write it like 2026-11-30T09:00:00Z") from None


def _short(text: str, why: str, advice: str) -> str:
    if len(text) > LONGEST:
        raise Wrong(why, advice)
    return text


def _offset(text: str) -> str:
    if text in ("z", "Z", "UTC"):
        return "Z"
    return f"{text[:3]}:{text[3:]}" if len(text) == 5 else text


def _written(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def as_read(text: str, reading: str) -> Any:
    """A text as the reading of its column has it. Raises Wrong where it is none."""
    return FREE[reading](text, reading)


def _number_if_kept(text: str, reading: str) -> Any:
    if len(text) <= DIGITS and reading != "number," and PLAIN_NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    text = _short(text, "is not a number", "")
    if reading != "number," and PLAIN_NUMBER.fullmatch(text) is None and GROUPED_NUMBER.fullmatch(text) is None:
        raise Wrong("is not a number")
    return number(text, reading)


def _strict_boolean(text: str, _: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise Wrong("is neither true nor false")
    return text.casefold() == "true"


FREE: dict[str, Callable[[str, str], Any]] = {
    "text": lambda text, _: text,
    "number": _number_if_kept,
    "number.": _number_if_kept,
    "number,": _number_if_kept,
    "boolean": _strict_boolean,
    "date": day,
    "day-first": day,
    "month-first": day,
    "unix": lambda text, reading: moment(text, reading, None)[0],
    "unix-ms": lambda text, reading: moment(text, reading, None)[0],
}
"""How texts are read where a place takes anything."""
