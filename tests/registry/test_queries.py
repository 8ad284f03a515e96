"""The queries that search is measured by: whole, without repetition, and about actions that exist."""

from pathlib import Path

import pytest
from tests.catalogue import CATALOGUE

FOLDER = Path(__file__).parents[2] / "bench" / "queries"
FILES = ("tuning.tsv", "seen.tsv", "held_out.tsv")
NO_ANSWER = ["-"]


def queries(file: str) -> list[tuple[str, list[str]]]:
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    return [(query, names.split(",")) for query, names in (line.split("\t") for line in lines)]


@pytest.mark.parametrize("file", FILES)
def test_every_expected_action_exists_and_is_named_once(file: str) -> None:
    names = {spec.name for spec in CATALOGUE}
    for query, expected in queries(file):
        assert expected == NO_ANSWER or names.issuperset(expected), query
        assert len(set(expected)) == len(expected), query


def test_what_is_unanswerable_has_no_answer_and_is_in_no_other_file() -> None:
    others = {query for file in FILES for query, _ in queries(file)}
    asked = queries("unanswerable.tsv")
    assert len(asked) >= 30
    assert all(expected == NO_ANSWER and query not in others for query, expected in asked)


@pytest.mark.parametrize("file", FILES)
def test_there_are_enough_queries_and_enough_that_nothing_answers(file: str) -> None:
    found = queries(file)
    assert len(found) >= 200
    assert sum(expected == NO_ANSWER for _, expected in found) >= 10


def test_no_query_is_there_twice() -> None:
    asked = [" ".join(query.lower().split()) for file in FILES for query, _ in queries(file)]
    assert "" not in asked
    assert sorted(set(asked)) == sorted(asked)


def test_every_file_asks_about_every_toolset() -> None:
    toolsets = {spec.name: spec.toolset for spec in CATALOGUE}
    for file in FILES:
        asked = {toolsets[expected[0]] for _, expected in queries(file) if expected != NO_ANSWER}
        assert asked == set(toolsets.values())
