"""Which revision of Klaviyo's API a request asks for is a fact of its operation."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.catalogue import CATALOGUE

from klaviyo_mcp.accounts.account import open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.request import build
from klaviyo_mcp.klaviyo.errors import RevisionRetired
from klaviyo_mcp.klaviyo.requests import REVISION
from klaviyo_mcp.registry.loading import CHECKOUT_SPECS, load_catalogue
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, ManualClock, create_app
from klaviyo_sandbox.facts import FACTS
from klaviyo_sandbox.testing import serve


def described(spec: ActionSpec, **changes: Any) -> ActionSpec:
    return ActionSpec.model_validate({**spec.model_dump(by_alias=True, exclude_unset=True), **changes})


async def test_an_operation_is_asked_for_at_the_revision_of_its_spec(registry: Registry) -> None:
    asked: list[tuple[str, str]] = []

    async def answer(request: Request) -> JSONResponse:
        asked.append((request.url.path, request.headers["revision"]))
        return JSONResponse({"data": []})

    specs = [
        registry["get_lists"].spec,
        described(registry["get_tags"].spec, revision="2026-04-15"),
        described(registry["get_segments"].spec, revision="2026-10-15.pre"),
    ]
    engine = Engine(Registry(specs))
    with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        async with Endpoint(url) as endpoint:
            for spec in specs:
                await engine.run(Call(spec.name), open_account("one", endpoint, api_key="pk_x"))
    assert asked == [
        ("/api/lists", "2026-10-15"),
        ("/api/tags", "2026-04-15"),
        ("/api/segments", "2026-10-15.pre"),
    ]


PINNED = [spec for spec in CATALOGUE if spec.revision]


@pytest.mark.parametrize("spec", PINNED, ids=lambda spec: spec.name)
def test_what_stays_at_an_earlier_revision_asks_for_it(registry: Registry, spec: ActionSpec) -> None:
    action = registry[spec.name]
    request = build(action, check_arguments(action, spec.examples[0].arguments).arguments)
    assert request.revision == spec.revision == "2026-07-15"
    assert request.operation in FACTS[request.revision]


def test_all_others_ask_for_the_newest(registry: Registry) -> None:
    assert len(PINNED) == 21
    names = {action.operation for action in registry.actions if action.http and not action.spec.revision}
    assert names <= FACTS[REVISION].keys()


def test_the_page_about_revisions_names_those_that_are_at_another() -> None:
    page = (CHECKOUT_SPECS.parent / "docs" / "revisions.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    named = [(name, revision) for names, revision, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(named) == sorted((spec.name, spec.revision) for spec in PINNED)
    assert f"asks for **{REVISION}**" in page


async def test_a_revision_that_klaviyo_has_retired_is_told_with_what_mends_it(registry: Registry) -> None:
    clock = ManualClock(datetime(2028, 8, 1, tzinfo=UTC))
    with serve(create_app(clock=clock, profiles=1)) as url:
        async with Endpoint(url) as endpoint:
            account = open_account("one", endpoint, api_key=API_KEY)
            await Engine(registry).run(Call("get_lists"), account)
            with pytest.raises(RevisionRetired, match="2026-07-15") as retired:
                await Engine(registry).run(Call("get_campaigns", {"channel": "email"}), account)
    assert retired.value.code == "revision_retired"
    assert "update klaviyo-mcp" in retired.value.advice


def test_a_spec_says_it_without_quotes(tmp_path: Path) -> None:
    text = next(CHECKOUT_SPECS.rglob("get_lists.yaml")).read_text("utf-8")
    (tmp_path / "lists").mkdir()
    for written in ("2026-04-15", "2026-10-15.pre"):
        spec = text.replace("\noperation: get_lists\n", f"\noperation: get_lists\nrevision: {written}\n")
        (tmp_path / "lists" / "get_lists.yaml").write_text(spec, "utf-8")
        assert load_catalogue(tmp_path)[0].revision == written


@pytest.mark.parametrize("wrong", ["2026-7-15", "latest", "2026-13-01", "2026-04-15.beta", ""])
def test_a_revision_is_a_date(registry: Registry, wrong: str) -> None:
    with pytest.raises(ValidationError, match="revision"):
        described(registry["get_lists"].spec, revision=wrong)
