"""Actions are found by what people ask for."""

from pathlib import Path

import pytest
from tests.catalogue import REGISTRY

from klaviyo_mcp.actions.finding import look_for

QUERIES = Path(__file__).parents[2] / "bench" / "queries" / "tuning.tsv"


def found(words: str, most: int = 5) -> list[str]:
    return [action.name for action in look_for(REGISTRY, words, most).actions]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("POST /api/campaigns", "create_campaign"),
        ("get /api/lists/{id}", "get_list"),
        ("api/flows", "get_flows"),
        ("creat segement of repeat byers", "create_segment"),
        ("which mailing lists are there", "get_lists"),
        ("gdpr erase someone", "request_profile_deletion"),
        ("make a new list", "create_list"),
    ],
)
def test_what_is_asked_for_comes_among_the_first(words, name) -> None:
    assert name in found(words, 3)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("which lists is this person on", "get_lists_for_profile"),
        ("only the ids of the lists of a profile", "get_list_ids_for_profile"),
        ("people on a list", "get_profiles_for_list"),
        ("how far is the import job", "get_bulk_import_profiles_job"),
        ("record an event from the browser with the public key", "create_client_event"),
        ("halt the automation", "update_flow"),
        ("import thousands of contacts", "bulk_import_profiles"),
        ("unsubcribe someone", "bulk_unsubscribe_profiles"),
        ("old endpoint v2/list/subscribe", "bulk_subscribe_profiles"),
        ("PUT /api/v1/person/123", "update_profile"),
    ],
)
def test_verbs_relations_ids_jobs_and_slips_are_understood(words, name) -> None:
    assert name in found(words, 3)


def test_each_action_is_found_by_what_people_ask_for_it() -> None:
    asks = [(ask, action.name) for action in REGISTRY.actions[::5] for ask in action.spec.asks]
    assert sum(name in found(ask, 3) for ask, name in asks) / len(asks) >= 0.95


def test_what_no_action_does_is_said_to_be_unlikely_and_hardly_anything_else() -> None:
    for words in ("solve this equation", "publish a reel on TikTok", "tell me a joke"):
        assert not look_for(REGISTRY, words, 5).likely
    asked = [line.split("\t") for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    wrong = [words for words, names in asked if names != "-" and not look_for(REGISTRY, words, 5).likely]
    assert len(wrong) / len(asked) < 0.01, wrong


def test_most_questions_are_answered_among_the_first_five() -> None:
    asked = [line.split("\t") for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    known = [(words, names.split(",")) for words, names in asked if names != "-"]
    hits = sum(any(name in names for name in found(words)) for words, names in known)
    assert hits / len(known) >= 0.94


def test_only_what_may_be_called_is_found() -> None:
    reads = look_for(REGISTRY, "delete a list", 20, lambda action: action.effect == "read").actions
    assert reads
    assert {action.effect for action in reads} == {"read"}


@pytest.mark.parametrize("words", ["", "   ", "?!", "the of and", "x" * 100_000, "(" * 500, 'a" OR b*', "\ud800"])
def test_anything_can_be_asked(words) -> None:
    found(words)


def test_no_action_has_a_phrase_of_another() -> None:
    owners: dict[str, str] = {}
    for action in REGISTRY.actions:
        for ask in action.spec.asks:
            assert owners.setdefault(ask, action.name) == action.name
        assert 5 <= len(action.spec.asks) <= 14, action.name
