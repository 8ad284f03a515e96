"""The page about security says what tests show: which attacks are played, and where."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ATTACKS = runpy.run_path(str(ROOT / ".ci" / "attacks.py"))


def test_the_table_of_attacks_names_the_files_that_have_their_tests() -> None:
    assert ATTACKS["in_step"](PAGE, ATTACKS["played"]()) == PAGE, "run: python .ci/attacks.py --write"


def test_the_table_has_every_attack_and_no_test_plays_one_that_it_lacks() -> None:
    rows = [match[1] for match in ATTACKS["ROW"].finditer(PAGE)]
    assert rows == [f"A{number}" for number in range(1, 46)]
    assert set(ATTACKS["played"]()) <= set(rows)


def test_every_attack_is_played() -> None:
    assert not re.findall(rf"^\| (A\d+) .*\| {ATTACKS['NONE']} \|$", PAGE, re.MULTILINE)
