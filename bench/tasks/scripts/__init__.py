"""Scripted agents: one for each task, as a careful model would do it."""

from collections.abc import Awaitable, Callable

from bench.tasks.agents import Brief
from bench.tasks.desk import Desk
from bench.tasks.scripts import audiences, goods, messages, numbers, people
from bench.tasks.scripts.hand import Hand
from bench.tasks.task import Answer

SCRIPTS: dict[int, Callable[[Hand], Awaitable[Answer]]] = {
    **people.SCRIPTS,
    **audiences.SCRIPTS,
    **messages.SCRIPTS,
    **numbers.SCRIPTS,
    **goods.SCRIPTS,
}


async def scripted(brief: Brief, desk: Desk) -> Answer:
    """Does a task as its script says."""
    return await SCRIPTS[brief.task.number](Hand(desk, brief.given))
