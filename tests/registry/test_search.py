"""Finding an action by what one wants to do, in one's own words."""

import subprocess
import sys

import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.registry.search import Finder

FINDER = Finder(CATALOGUE)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("POST /api/identify", "create_client_profile"),
        ("post /api/v2/list/{list_id}/subscribe", "bulk_subscribe_profiles"),
        ("GET /api/v1/campaigns", "get_campaigns"),
        ("unsubscribe people", "bulk_unsubscribe_profiles"),
        ("send campaign", "send_campaign"),
        ("create list", "create_list"),
        ("subscribe_profiles", "bulk_subscribe_profiles"),
        ("coupon codes", "get_coupon_codes"),
        ("make a newsletter audience", "create_list"),
        ("erase a person GDPR", "request_profile_deletion"),
    ],
)
def test_the_action_that_is_meant_is_among_the_first(words: str, name: str) -> None:
    assert name in [spec.name for spec in FINDER.find(words, 5)]


@pytest.mark.parametrize("words", ["", "   ", '"', "qqqzzz", "' OR 1=1 --", "NEAR(", "*"])
def test_words_that_fit_nothing_find_nothing_and_break_nothing(words: str) -> None:
    assert isinstance(FINDER.find(words), list)


def test_every_retired_endpoint_leads_to_what_replaces_it() -> None:
    for spec in CATALOGUE:
        for endpoint in spec.replaces:
            assert spec.name in [found.name for found in FINDER.find(endpoint, 5)]


@pytest.mark.parametrize("words", ["get_lists", "POST /api/lists", "find"])
def test_what_is_named_is_the_same_after_it_was_looked_for(words: str) -> None:
    before = [spec.name for spec in FINDER.named(words)]
    FINDER.find(words)
    assert [spec.name for spec in FINDER.named(words)] == before


def test_a_server_starts_without_what_search_alone_needs() -> None:
    modules = "klaviyo_mcp.mcp_server.server, klaviyo_mcp.runtime.assembly"
    asked = f"import sys, {modules}; print(*{{'yaml', 'jmespath'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
