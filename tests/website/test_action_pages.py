"""The page of an action has all that its spec says, and a call of it that was tried."""

import re

import anyio
import pytest
from tests.catalogue import CATALOGUE
from website.action_page import ActionPages
from website.prepared import prepared
from website.samples import Sample, Shop

from klaviyo_mcp.registry.registry import Registry

PAGES = ActionPages(CATALOGUE)
SPECS = PAGES.specs
DEMO = prepared()["demo"]
NEEDY = ["delete_catalog_variant", "schedule_campaign_message"]
TRIED = ["get_campaigns", "get_campaign", "create_list", "update_list", "campaign_check", "delete_list"]


@pytest.fixture(scope="module")
def samples() -> dict[str, Sample | None]:
    async def tried() -> dict[str, Sample | None]:
        shop = Shop(Registry(CATALOGUE))
        try:
            found = {name: await shop.sample(SPECS[name]) for name in TRIED}
            return found | {name: await shop.prepared_sample(SPECS[name], DEMO[name]) for name in NEEDY}
        finally:
            await shop.accounts.close()

    return anyio.run(tried)


@pytest.mark.parametrize("name", TRIED[1:] + NEEDY[:1])
def test_an_example_is_answered_by_the_sandbox_under_the_ids_of_the_example(samples, name) -> None:
    sample = samples[name]
    assert sample is not None
    page = PAGES.page(SPECS[name], sample, ())
    assert sample.answer.splitlines()[0] in page.partition("## Answer")[2]
    given = sample.example.arguments.get("id", "")
    assert any(given in sent.path for sent in sample.requests)
    assert f"{sample.requests[0].method} {sample.requests[0].path}" in page


def test_what_an_example_needs_is_made_before_it_is_tried(samples) -> None:
    sample = samples["schedule_campaign_message"]
    assert [sent.path for sent in sample.requests] == ["/api/campaign-message-schedule"]
    assert sample.example.arguments["campaign_message_id"] in sample.answer


def test_steps_and_what_they_are_for_are_actions_of_the_catalogue() -> None:
    for actions in prepared().values():
        assert actions.keys() <= SPECS.keys()
        assert {step.call for steps in actions.values() for step in steps} <= SPECS.keys()


def test_what_no_sandbox_can_show_is_said_in_words() -> None:
    assert "klaviyo-mcp carries this out itself" in PAGES.page(SPECS["start_job"], None, ()).partition("## Answer")[2]


def test_every_page_names_every_argument_and_scope_and_leads_to_pages_that_there_are() -> None:
    known = {PAGES.path(name) for name in SPECS}
    for spec in CATALOGUE:
        page = PAGES.page(spec, None, ())
        assert [name for name in spec.properties if f"| `{name}`" not in page] == [], spec.name
        assert [scope for scope in spec.scopes if f"`{scope}`" not in page] == [], spec.name
        linked = {*re.findall(r"\]\(\.\./\.\./(actions/[a-z_]+/\w+\.md)\)", page)}
        linked |= {f"actions/{target}" for target in re.findall(r"\]\(\.\./(\w+/\w+\.md)\)", page)}
        assert linked <= known, spec.name
