"""A name where an id belongs: the form is told, and the ids of what bears the name; nothing is guessed or sent."""

from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.candidates import FINDERS
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, create_app


class Watched(httpx2.ASGITransport):
    """The sandbox, and the methods and paths that were asked of it. Once `down`, it answers no more."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False))
        self.seen: list[str] = []
        self.down = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        if self.down:
            raise httpx2.ConnectError("down", request=request)
        return await super().handle_async_request(request)


@pytest.fixture
def watched() -> tuple[Account, Watched]:
    transport = Watched()
    return open_account(
        "sandbox", Endpoint("http://sandbox", HttpPool(transport), pace=False), api_key=API_KEY
    ), transport


async def refused(engine: Engine, account: Account, action: str, **arguments: Any) -> list[str]:
    with pytest.raises(InvalidArguments) as error:
        await engine.run(Call(action, arguments), account)
    return [str(problem) for problem in error.value.problems]


def segment(**condition: Any) -> dict[str, Any]:
    return {"name": "S", "definition": {"condition_groups": [{"conditions": [condition]}]}}


async def test_the_name_of_a_metric_is_answered_with_its_id(engine: Engine, watched: tuple[Account, Watched]) -> None:
    account, transport = watched
    metrics = (await engine.run(Call("get_metrics"), account)).records
    (wanted,) = [metric for metric in metrics if metric["name"] == "Placed Order"]
    transport.seen.clear()
    condition = {
        "type": "profile-metric",
        "metric_id": "Placed Order",
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
    }
    (line, *_) = await refused(engine, account, "create_segment", **segment(**condition))
    assert '"Placed Order" is not a metric id (six letters and digits, such as UwD8nK)' in line
    assert f"A metric of that name is here: {wanted['id']} ({wanted['integration']['name']})" in line
    assert set(transport.seen) == {"GET /api/metrics", "GET /api/custom-metrics"}


async def test_the_name_of_a_list_is_answered_with_its_id(engine: Engine, watched: tuple[Account, Watched]) -> None:
    account, transport = watched
    (first, *_) = (await engine.run(Call("get_lists"), account)).records
    condition = {"field": "list_id", "operator": "equals", "value": first["name"]}
    for action, arguments in (
        ("get_list", {"id": first["name"]}),
        ("create_segment", segment(type="profile-group-membership", is_member=True, group_ids=[first["name"]])),
        (
            "get_bulk_suppress_profiles_jobs",
            {"filter": [condition]},
        ),
        ("delete_list", {"id": first["name"]}),
    ):
        transport.seen.clear()
        lines = await refused(engine, account, action, **arguments)
        assert any(first["id"] in line for line in lines), lines
        assert all(seen.startswith("GET") for seen in transport.seen)
        assert len(transport.seen) <= 2


async def test_a_look_that_fails_leaves_the_plain_error(engine: Engine, watched: tuple[Account, Watched]) -> None:
    account, transport = watched
    transport.down = True
    (line,) = await refused(engine, account, "get_list", id="Newsletter")
    words = 'id: "Newsletter" is not a list id (six letters and digits, such as VbT4kM).'
    assert line == f"{words} Its name may stand here as name:…."


async def test_one_call_is_worth_three_looks(engine: Engine, watched: tuple[Account, Watched]) -> None:
    account, transport = watched
    names = ["One of them", "Another one", "A third", "A fourth"]
    lines = await refused(engine, account, "tag_lists", id="7b0d6d0e-3c1f-4f4a-9a55-0d9a6f6b2c11", list_ids=names)
    assert len(lines) == 4
    assert len(transport.seen) == 3


def test_a_preview_looks_nowhere(engine: Engine) -> None:
    with pytest.raises(InvalidArguments):
        engine.plan(Call("get_list", {"id": "Newsletter"}))


@pytest.mark.parametrize("kind", FINDERS)
def test_every_way_of_finding_is_a_read_with_right_arguments(engine: Engine, registry: Registry, kind: str) -> None:
    assert kind in ID_FORMS
    for finder in FINDERS[kind]:
        plan = engine.plan(Call(finder.action, finder.arguments("ada@example.org")))
        assert plan.effect == "read"
        assert plan.understood.read_as == {}
    assert ID_FORMS[kind].fits(ID_FORMS[kind].example)
