"""Marketers' tasks, done by scripts over the tools as they are by default, each checked by what it left behind."""

import io
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bench.tasks.agents import Agent, Brief, Recorded, Recording, by_command
from bench.tasks.desk import Desk, Server, served
from bench.tasks.marketers import TASKS
from bench.tasks.scripts import scripted
from bench.tasks.shop import Shop, opened
from bench.tasks.task import Answer, Task
from bench.tasks.trial import tried

EXAMPLE = Path(__file__).parents[2] / "bench" / "tasks" / "example_agent.py"
CONSENT = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
BY_NUMBER = {task.number: task for task in TASKS}
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: str(task.number))


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened() as shop:
        yield shop


@pytest.fixture(scope="module")
async def server(shop: Shop) -> AsyncIterator[Server]:
    """One server for all tasks; what it counted of Klaviyo's quota in one would hold up the next."""
    async with served(shop, more={"KLAVIYO_MCP_QUOTA": "off"}) as server:
        yield server


async def idle(_: Brief, __: Desk) -> Answer:
    return Answer("Done!", {})


def and_then(tool: str, arguments: dict[str, object]) -> Agent:
    """A script that does one thing more than it was asked for."""

    async def zealous(brief: Brief, desk: Desk) -> Answer:
        answer = await scripted(brief, desk)
        await desk.call(tool, arguments)
        return answer

    return zealous


def test_there_are_twenty_two() -> None:
    assert [task.number for task in TASKS] == list(range(1, 23))


@each_task
async def test_a_careful_agent_does_it_and_nothing_else(task: Task, shop: Shop, server: Server) -> None:
    outcome = await tried(task, scripted, shop, server)
    assert outcome.problems == []
    calls, _ = task.before
    # Searches come on top of what an agent needs that was given all tools.
    assert outcome.figures.calls <= calls + 6


@each_task
async def test_who_does_nothing_has_not_done_it(task: Task, shop: Shop, server: Server) -> None:
    assert (await tried(task, idle, shop, server)).problems


@pytest.mark.parametrize(
    ("number", "tool", "arguments"),
    [
        (9, "run_write_action", {"action": "create_list", "arguments": {"name": "For later"}}),
        (3, "bulk_subscribe_profiles", {"profiles": [{"email": "ana@elsewhere.example", "subscriptions": CONSENT}]}),
        (12, "run_write_action", {"action": "create_coupon", "arguments": {"external_id": "EXTRA"}}),
    ],
)
async def test_what_nobody_asked_for_is_noticed(shop: Shop, server: Server, number, tool, arguments) -> None:
    (problem, *_) = (await tried(BY_NUMBER[number], and_then(tool, arguments), shop, server)).problems
    assert problem.startswith(("nobody asked for this", "the number of new rows"))


async def test_a_program_is_an_agent(shop: Shop, server: Server) -> None:
    outcome = await tried(BY_NUMBER[1], by_command(f"{sys.executable} {EXAMPLE}"), shop, server)
    assert outcome.figures.calls == 1
    assert outcome.problems  # it only looks around


@pytest.mark.parametrize("command", ["true", "echo nonsense", 'echo \'{"type": "song"}\''])
async def test_a_program_that_does_not_keep_to_the_protocol_has_failed(shop: Shop, server: Server, command) -> None:
    (problem,) = (await tried(BY_NUMBER[1], by_command(command), shop, server)).problems
    assert "echo" in problem or "true" in problem or "song" in problem


@pytest.mark.parametrize("number", [5, 7])
async def test_a_recording_is_played_again_with_the_ids_of_now(shop: Shop, server: Server, number: int) -> None:
    tape = io.StringIO()
    first = await tried(BY_NUMBER[number], Recording(scripted, tape), shop, server)
    again = await tried(BY_NUMBER[number], Recorded(tape.getvalue().splitlines()), shop, server)
    assert (first.problems, again.problems) == ([], [])
    assert again.figures.calls == first.figures.calls
