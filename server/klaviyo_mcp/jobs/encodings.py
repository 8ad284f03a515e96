"""In which encoding a file of text is written: by its first bytes, else UTF-8, else by the letters that it would have.

Statistical detectors were tried and told Polish for French and the reverse on files of names; so one is taken only
where its letters are those of its languages, and what it makes of the bytes is told.
"""

import codecs
import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import yaml

from klaviyo_mcp.jobs.files import Reading, State, damage_told
from klaviyo_mcp.jobs.rows import SourceProblem

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Marks at the beginning. UTF-32's begins with that of UTF-16."""
FEW_NULS = 4
"""NUL bytes at the beginning that may be damage of single rows, however short the file is."""
SEARCHED = 64 * 1024 * 1024
"""Bytes, unpacked, in which the first that is not ASCII is looked for."""
BLOCK = 1024 * 1024
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32"}
MIXED = re.compile(r"[A-Za-z][^\0-\x7f]|[^\0-\x7f][A-Za-z]")
"""A letter of ASCII beside one that is not, as no word of another script has."""
ALONE = re.compile(r"[^\0-\x7f\W]{3,}")
"""Letters beyond ASCII in a row, as words of Latin letters hardly have."""
USUAL = "cp1252"
"""What is taken where others would explain the letters as well: by far the most files are in it."""
ENOUGH = 0.9
"""The share of characters beyond ASCII that must be letters of an encoding's languages."""


def encoding_of(path: Path, state: State, head: bytes, given: str) -> tuple[str, str]:
    """The name of the codec of a file's text, and how it is told. Raises SourceProblem where it cannot be told."""
    if given:
        return _known(given), f"read as {given}"
    for mark, name in BOMS:
        if head.startswith(mark):
            return name, NAMES[name]
    if name := _wide(head):
        return name, f"{name.upper()} without a mark at its beginning"
    if head[:4096].count(0) > max(FEW_NULS, len(head[:4096]) // 100):
        raise SourceProblem(f"{path.name} is no text: it has many NUL bytes", "Give the rows as CSV, JSON or Parquet.")
    block = b"".join(_beyond_ascii(path, state))
    if not block or _is_utf8(block):
        return "utf-8", NAMES["utf-8"]
    return _by_letters(path.name, block)


def _known(given: str) -> str:
    try:
        name = codecs.lookup(given).name
        "".encode(name)
    except (LookupError, ValueError):
        raise SourceProblem(
            f"There is no encoding {given!r}", "Common ones are utf-8, utf-16, cp1252, latin-1, cp1250 and shift_jis."
        ) from None
    return "utf-8-sig" if name == "utf-8" else name


def _wide(head: bytes) -> str:
    """UTF-16 without its mark, told by every other byte being NUL in text that is mostly ASCII."""
    part = head[:4096]
    even, odd = part[::2].count(0), part[1::2].count(0)
    half = max(len(part) // 2, 1)
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.4 and odd < half * 0.05 else ""


def _beyond_ascii(path: Path, state: State) -> Iterator[bytes]:
    """The first block with something that is not ASCII; nothing where there is none in what is searched."""
    with Reading(path, state) as reading, damage_told(path.name):
        for _ in range(SEARCHED // BLOCK):
            block = reading.stream.read(BLOCK)
            if not block:
                return
            if not block.isascii():
                yield block
                return


def _is_utf8(block: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block)
    except UnicodeDecodeError as error:
        # One damaged place in a text that is UTF-8 otherwise is a row's problem.
        return sum(byte >= 0xC2 for byte in block[: error.start]) >= 10
    return True


def _by_letters(name: str, block: bytes) -> tuple[str, str]:
    data = yaml.safe_load((files("klaviyo_mcp.jobs") / "encodings.yaml").read_text("utf-8"))
    read: dict[str, tuple[float, str]] = {}
    for encoding, about in data["encodings"].items():
        try:
            text = block.decode(encoding)
        except UnicodeDecodeError:
            continue
        beyond = [character for character in text if ord(character) > 127]
        known = set(about["letters"] + data["marks"])
        seen = " ".join(sorted({character for character in beyond if character.isprintable()})[:20])
        good = sum(character in known for character in beyond)
        odd = MIXED if about.get("apart") else ALONE
        bad = sum(len(match[0]) for match in odd.finditer(text)) + _upside_down(text)
        read[encoding] = ((good - bad) / len(beyond), seen)
    best = max((share for share, _ in read.values()), default=0)
    if best < ENOUGH:
        raise SourceProblem(
            f"{name} is not UTF-8, and its letters are not those of any encoding that is common",
            "Give its encoding, such as --encoding shift_jis, or save it as UTF-8.",
        )
    likely = {encoding: seen for encoding, (share, seen) in read.items() if share == best}
    if USUAL not in likely and len(set(likely.values())) > 1:
        forms = ", ".join(f"{seen} in {encoding}" for encoding, seen in likely.items())
        raise SourceProblem(
            f"{name} is not UTF-8, and could be in several encodings: its letters beyond ASCII are {forms}",
            f"Give the one that is right, such as --encoding {next(iter(likely))}, or save it as UTF-8.",
        )
    chosen = next(iter(likely))
    told = f"{data['encodings'][chosen]['name']}, as it is not UTF-8 (letters beyond ASCII: {likely[chosen]})"
    return chosen, told


def _upside_down(text: str) -> int:
    """How many letters beyond ASCII are large behind a small one, as in a text whose case is read the wrong way."""
    return sum(one.islower() and two.isupper() and one > "\x7f" < two for one, two in pairwise(text))
