"""One task done by one agent, and judged."""

import time
from dataclasses import dataclass

from bench.tasks.agents import Agent, AgentError, Brief
from bench.tasks.desk import Figures, Server
from bench.tasks.shop import JSON, Shop
from bench.tasks.task import Case, Task, judged


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task: its figures, and every problem; without any it was done as it should be."""

    task: Task
    figures: Figures
    problems: list[str]

    @property
    def as_data(self) -> JSON:
        """For a file."""
        figures = self.figures
        return {
            "task": self.task.number,
            "title": self.task.title,
            "done": not self.problems,
            "problems": self.problems,
            "calls": figures.calls,
            "refused": figures.refused,
            "held": figures.held,
            "characters": figures.read,
            "tokens": figures.tokens,
            "characters_of_searches": figures.looking,
            "log": [{"of": name, "characters": characters} for name, characters in figures.log],
            "searches_missed": figures.missed,
            "seconds": round(figures.seconds, 2),
            "before": {"calls": self.task.before[0], "characters": self.task.before[1] * 1000},
        }


async def tried(task: Task, agent: Agent, shop: Shop, server: Server) -> Outcome:
    """Have a task done in the shop's first state, and look at what it left behind."""
    shop.restore()
    given = task.given(shop.first)
    desk = server.desk()
    since = shop.requests()
    began = time.perf_counter()
    try:
        answer = await agent(Brief(task, task.told(given), given), desk)
    except AgentError as error:
        return Outcome(task, desk.figures, [str(error)])
    except Exception as error:  # noqa: BLE001 - an agent that stumbles over an answer has failed; the others go on
        return Outcome(task, desk.figures, [f"The agent ended with {type(error).__name__}: {error}"])
    finally:
        desk.figures.seconds = time.perf_counter() - began
    shop.settle()
    case = Case(shop, given, shop.snapshot(), answer)
    return Outcome(task, desk.figures, judged(task, case, shop.operations(since)))
