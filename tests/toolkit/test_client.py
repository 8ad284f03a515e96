"""Klaviyo in a program: what a call gives, what it raises, what waits for a yes, and what is loaded when."""

import asyncio
import json
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from pydantic_ai.exceptions import ToolFailed

from klaviyo_mcp import (
    CallError,
    ConfigurationError,
    InvalidCall,
    Klaviyo,
    KlaviyoSync,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    Plan,
    TryLater,
)
from klaviyo_mcp.accounts.records import ApiKey, Company, Connection, Secret
from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_sandbox import API_KEY, COMPANY_ID


@pytest.fixture
async def klaviyo(sandbox: str) -> AsyncIterator[Klaviyo]:
    async with Klaviyo() as opened:
        yield opened


@pytest.fixture
def fail(sandbox: str) -> Any:
    """`fail(operation="create_list", status=503)` puts a fault in force for one request."""

    def put(**fault: Any) -> None:
        httpx2.post(f"{sandbox}/_sandbox/faults", json=[{"fault": "status", "count": 1, **fault}]).raise_for_status()

    return put


async def test_a_call_gives_records_and_goes_on_with_its_cursor(klaviyo) -> None:
    answer = await klaviyo.call("get_lists", page_size=2)
    assert answer.done
    assert answer.action == "get_lists"
    assert all(record["name"] for record in answer.records)
    assert answer.ids == [record["id"] for record in answer.records]
    more = await klaviyo.call("get_lists", {"cursor": answer.next_cursor})
    assert not set(more.ids) & set(answer.ids)
    assert [record["id"] async for record in klaviyo.each("get_lists", page_size=2)][:4] == [*answer.ids, *more.ids]


async def test_a_write_gives_the_one_record_and_a_report_its_rows(klaviyo) -> None:
    made = await klaviyo.call("create_list", name="Bücher 漢字 🎉")
    assert made.record is not None
    assert made.records == [made.record]
    assert (await klaviyo.call("get_list", id=made.record["id"])).record["name"] == "Bücher 漢字 🎉"
    report = await klaviyo.call("query_campaign_values", timeframe={"key": "last_12_months"}, statistics=["opens"])
    assert report.rows
    assert "statistics" in report.rows[0]


async def test_a_program_has_room_for_all_and_a_model_for_as_much_as_is_said(klaviyo) -> None:
    assert len((await klaviyo.call("get_profiles", max_records=120)).records) == 120
    short = await klaviyo.call("get_profiles", max_records=120, answer_tokens=2_000)
    assert 0 < len(short.records) < 120
    counted = await klaviyo.read_more(short.answer_id, count=True)
    assert counted.data["matching"] == 120


async def test_values_are_plain_ones(klaviyo) -> None:
    records = (await klaviyo.call("get_profiles", max_records=5, fields=["all"])).records
    kinds = {type(value) for record in records for value in record.values()}
    assert kinds <= {str, int, float, bool, list, dict, type(None)}


async def test_a_wrong_call_is_raised_with_all_that_is_wrong(klaviyo) -> None:
    with pytest.raises(InvalidCall) as caught:
        await klaviyo.call("create_list", nam="VIP")
    error = caught.value
    assert (error.code, error.sent, error.changed) == ("invalid_arguments", False, False)
    assert [problem.argument for problem in error.problems] == ["nam", "name"]
    assert "Did you mean name?" in error.problems[0].fix
    assert error.advice
    assert error.call_id
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.problems) == (InvalidCall, str(error), error.problems)
    answer = await klaviyo.call("create_list", nam="VIP", raises=False)
    assert not answer.done
    assert isinstance(answer.error, InvalidCall)
    assert answer.text.startswith("create_list was not called")


async def test_what_became_of_a_call_is_told(klaviyo, fail) -> None:
    with pytest.raises(NotFound) as missing:
        await klaviyo.call("get_list", id="AAAAAA")
    assert (missing.value.status, missing.value.changed) == (404, False)
    async with Klaviyo(api_key="pk_sandbox_of_nobody") as stranger:
        with pytest.raises(NotAllowed) as refused:
            await stranger.call("create_list", name="x")
    assert (refused.value.status, refused.value.sent, refused.value.changed) == (401, True, False)
    fail(operation="create_list", status=503)
    with pytest.raises(OutcomeUnknown) as unknown:
        await klaviyo.call("create_list", name="Once")
    assert (unknown.value.status, unknown.value.sent, unknown.value.changed) == (503, True, None)


async def test_a_limit_is_told_with_the_time_to_come_back(sandbox, fail) -> None:
    fail(operation="create_list", status=429, retry_after=3600)
    async with Klaviyo(max_wait=0) as klaviyo:
        with pytest.raises(TryLater) as caught:
            await klaviyo.call("create_list", name="Later")
    assert caught.value.retry_at is not None
    assert caught.value.retry_at.tzinfo is not None
    assert caught.value.changed is False


async def test_what_is_strong_is_held_and_confirmed_once(klaviyo) -> None:
    made = await klaviyo.call("create_list", name="Short-lived")
    held = await klaviyo.call("delete_list", id=made.ids[0])
    assert not held.done
    assert held.plan is not None
    assert "Short-lived" in held.plan.question
    assert held.confirmation is not None
    assert (await klaviyo.call("get_list", id=made.ids[0])).done
    assert (await klaviyo.confirm(held)).done
    with pytest.raises(InvalidCall) as caught:
        await klaviyo.confirm(held.confirmation)
    assert caught.value.changed is False
    with pytest.raises(ValueError, match="waits for no confirmation"):
        await klaviyo.confirm(made)


async def test_a_preview_does_nothing_and_says_what_would_be_done(klaviyo) -> None:
    shown = await klaviyo.preview("create_list", name="Never made")
    assert not shown.done
    assert shown.confirmation is None
    assert shown.plan is not None
    assert shown.plan.data["requests"][0]["method"] == "POST"
    assert "Never made" not in [record["name"] async for record in klaviyo.each("get_lists")]


@pytest.mark.parametrize("agrees", [True, False])
async def test_whoever_is_asked_decides(sandbox, agrees) -> None:
    seen: list[Plan] = []

    def plain(plan: Plan) -> bool:
        seen.append(plan)
        return agrees

    async def awaited(plan: Plan) -> bool:
        return plain(plan)

    for ask in (plain, awaited):
        async with Klaviyo(ask=ask) as klaviyo:
            made = await klaviyo.call("create_list", name="Asked about")
            answer = await klaviyo.call("delete_list", id=made.ids[0], raises=False)
            assert answer.done == agrees
            assert agrees or answer.error.code == "declined"
    assert [plan.action for plan in seen] == ["delete_list", "delete_list"]


async def test_options_narrow_what_a_program_can_do(sandbox, tmp_path) -> None:
    async with Klaviyo(read_only=True) as klaviyo:
        with pytest.raises(NotAllowed):
            await klaviyo.call("create_list", name="x")
    async with Klaviyo(actions="get_*", exclude=["get_lists"]) as klaviyo:
        assert {action.effect for action in klaviyo.actions} == {"read"}
        with pytest.raises(InvalidCall):
            await klaviyo.call("get_lists")
        assert "get_lists" not in [action.name for action in klaviyo.find("which lists are there").actions]
    policy, audit = tmp_path / "policy.yaml", tmp_path / "audit.jsonl"
    policy.write_text("version: 1\nrules:\n- {name: no-lists, actions: [create_list], forbid: true}\n")
    async with Klaviyo(policy=policy, audit_file=audit) as klaviyo:
        with pytest.raises(NotAllowed) as caught:
            await klaviyo.call("create_list", name="x")
    assert caught.value.code == "policy"
    assert json.loads(audit.read_text("utf-8").splitlines()[-1])["client"] == "klaviyo-mcp toolkit"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"actions": "get_lsts"}, "actions: there is no action 'get_lsts'; did you mean 'get_lists'?"),
        ({"actions": []}, "actions names nothing"),
        ({"max_wait": -1}, "max_wait: "),
        ({"api_key": "your-key"}, "api_key: still is a placeholder"),
        ({"sandbox": True, "api_key": API_KEY}, "goes without api_key"),
        ({"account": "other"}, "There is no account named 'other'"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(sandbox, options, said) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Klaviyo(**options)
    assert said in str(caught.value)
    with pytest.raises(TypeError, match="no option 'apikey'"):
        Klaviyo(apikey="x")  # pyright: ignore[reportCallIssue]


async def test_several_accounts_are_named_in_calls_and_tools(sandbox, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("KLAVIYO_API_KEY")
    vault = open_vault(tmp_path)
    for name in ("juniper", "pine"):
        company = Company(account_id=COMPANY_ID, name=name)
        await vault.write(Connection(name, company, sandbox, 1.0, ApiKey(Secret(API_KEY))))
    await vault.close()
    async with Klaviyo(home=tmp_path) as klaviyo:
        assert [account.name for account in await klaviyo.accounts()] == ["juniper", "pine"]
        with pytest.raises(InvalidCall) as caught:
            await klaviyo.call("get_lists")
        assert caught.value.code == "account_needed"
        made = await klaviyo.call("create_list", name="Of pine", account="pine")
        held = await klaviyo.call("delete_list", id=made.ids[0], account="pine")
        assert (await klaviyo.confirm(held)).done
        assert all("account" in tool["input_schema"]["required"] for tool in klaviyo.tools("anthropic"))


async def test_without_await_it_works_where_a_loop_is_running_and_from_any_thread(sandbox) -> None:
    asyncio.get_running_loop()
    with KlaviyoSync() as klaviyo, ThreadPoolExecutor(4) as threads:
        assert klaviyo.call("get_lists", page_size=1).done
        answers = list(threads.map(lambda _: klaviyo.call("get_lists").records, range(8)))
        assert answers == [answers[0]] * 8
        assert len(list(klaviyo.each("get_lists", page_size=2))) == len(answers[0])
        with pytest.raises(CallError):
            klaviyo.confirm("confirm1.not.a.token")
    klaviyo.close()


def test_nothing_is_loaded_before_it_is_used() -> None:
    script = (
        "import json, sys, klaviyo_mcp; first = [*sys.modules]; from klaviyo_mcp import Klaviyo; "
        "Klaviyo(sandbox=True).tools('openai'); print(json.dumps([first, [*sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    first, then = json.loads(done.stdout)
    assert [name for name in first if name.startswith("klaviyo_mcp")] == ["klaviyo_mcp"]
    frameworks = {"agents", "anthropic", "langchain_core", "openai", "pydantic_ai", "typer"}
    assert not frameworks & set(then)
    assert "mcp.server" not in then


def test_every_public_name_is_there_and_typed() -> None:
    import klaviyo_mcp

    for name in klaviyo_mcp.__all__:
        assert getattr(klaviyo_mcp, name) is not None
    with pytest.raises(AttributeError):
        klaviyo_mcp.Klavio  # type: ignore[attr-defined]  # noqa: B018
    assert (Path(klaviyo_mcp.__file__).parent / "py.typed").exists()


async def test_a_job_runs_while_klaviyo_is_open_and_goes_on_the_next_time(sandbox: str) -> None:
    rows = [{"email": f"fair-{number}@shop.org"} for number in range(250)]
    async with Klaviyo() as klaviyo:
        held = await klaviyo.call("start_job", kind="suppress", rows=rows)
        assert not held.done
        job = (await klaviyo.confirm(held)).data["job"]
    async with Klaviyo() as klaviyo:
        await klaviyo.call("resume_job", job=job)
        ended = await klaviyo.call("wait_for_job", job=job)
        assert ended.data["state"] == "done"
        assert ended.data["progress"] == {"rows": 250, "sent": 250, "settled": 250, "failed": 0}
    nobody_stays = Klaviyo()
    with pytest.raises(CallError, match="async with Klaviyo"):
        await nobody_stays.call("start_job", kind="suppress", rows=rows)
    await nobody_stays.aclose()


async def test_python_s_own_values_are_written_as_json_has_them(sandbox: str) -> None:
    async with Klaviyo(live_checks=False) as klaviyo:
        shown = await klaviyo.preview(
            "create_event",
            metric={"name": "Fitted"},
            profile={"email": "fit@example.org"},
            time=datetime(2026, 11, 1, 9, tzinfo=UTC),
            value=Decimal("12.50"),
            properties={"sizes": ("S", "M"), "order": UUID(int=7), "day": date(2026, 11, 2), "pieces": Decimal(3)},
        )
        with pytest.raises(InvalidCall) as refused:
            await klaviyo.call("create_list", name=object())
    told = json.dumps(shown.data)
    for written in ("2026-11-01T09:00:00+00:00", "12.5", str(UUID(int=7)), "2026-11-02"):
        assert written in told
    assert [problem.argument for problem in refused.value.problems] == ["name"]


async def test_what_is_closed_says_so(sandbox: str) -> None:
    async with Klaviyo() as klaviyo:
        (tool,) = [one for one in klaviyo.tools("pydantic-ai") if one.name == "run_read_action"]
    with pytest.raises(RuntimeError, match="this Klaviyo is closed, and nothing was sent"):
        await klaviyo.call("get_lists")
    with pytest.raises(ToolFailed, match="was stopped before it sent"):
        await tool.function_schema.call({"action": "get_lists"}, None)  # type: ignore[arg-type]
    with KlaviyoSync() as blocking:
        blocking.call("get_lists")
    with pytest.raises(RuntimeError, match="this KlaviyoSync is closed"):
        blocking.call("get_lists")
