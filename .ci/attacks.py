"""Which tests play which attack: holds the table of docs/security.md against the numbers in names and ids of tests.

`--write` brings the table in step. Exits 1 when it is not.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "security.md"
NUMBERED = re.compile(r"""def test_a(\d+)_|["']A(\d+)[ "']""")
"""Names such as test_a16_twenty_callers…, and ids and parameters such as "A2" or "A28 private"."""
ROW = re.compile(r"^\| (A\d+) \|(.*)\|[^|\n]*\|$", re.MULTILINE)
ROOMS = ("authorization", "hosted")
NONE = "none yet"


def played() -> dict[str, list[str]]:
    """For each number the files that have tests of it, below tests/."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in (path for room in ROOMS for path in sorted((ROOT / "tests" / room).glob("test_*.py"))):
        for numbers in NUMBERED.findall(path.read_text("utf-8")):
            found[f"A{''.join(numbers)}"].add(path.relative_to(ROOT / "tests").as_posix())
    return {number: sorted(files) for number, files in found.items()}


def in_step(text: str, files: dict[str, list[str]]) -> str:
    """The page with the last column as it should be."""
    return ROW.sub(lambda row: f"| {row[1]} |{row[2]}| {' · '.join(files.get(row[1], [])) or NONE} |", text)


def main() -> None:
    """Check, or write."""
    text = PAGE.read_text("utf-8")
    right = in_step(text, played())
    if right != text and "--write" in sys.argv:
        PAGE.write_text(right, "utf-8")
    elif right != text:
        sys.exit("docs/security.md is not in step with the tests: python .ci/attacks.py --write")


if __name__ == "__main__":
    main()
