"""Run the tasks and print what they took, beside what they took an agent that saw all tools as a list."""

import argparse
import asyncio
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from bench.tasks.agents import Agent, Recording, chosen
from bench.tasks.desk import Server, served
from bench.tasks.marketers import TASKS
from bench.tasks.shop import Shop, opened
from bench.tasks.task import Task
from bench.tasks.trial import Outcome, tried


def main() -> int:
    """0 when every task was done as it should be."""
    flags = _parser().parse_args()
    tasks = [task for task in TASKS if not flags.task or task.number in flags.task]
    with ExitStack() as stack:
        agent = chosen(flags.agent)
        if flags.record:
            agent = Recording(agent, stack.enter_context(flags.record.open("w", encoding="utf-8")))
        shop = stack.enter_context(opened(flags.seed))
        listing, outcomes = asyncio.run(_run(tasks, agent, shop, flags.exposure))
    _print(outcomes, listing, flags.exposure)
    if flags.json:
        found = {"exposure": flags.exposure, "listing": listing, "tasks": [outcome.as_data for outcome in outcomes]}
        flags.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if outcomes and not any(outcome.problems for outcome in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.tasks", description=__doc__)
    parser.add_argument("--task", type=int, action="append", metavar="N", help="only this one; may be repeated")
    parser.add_argument(
        "--agent", default="scripted", metavar="WHO", help="scripted, replay:FILE, or a command (see README.md)"
    )
    parser.add_argument("--exposure", default="search", choices=("search", "core", "all"), help="what is listed")
    parser.add_argument("--seed", type=int, default=1, help="which demo shop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write down what the agent says and is told")
    return parser


async def _run(tasks: list[Task], agent: Agent, shop: Shop, exposure: str) -> tuple[int, list[Outcome]]:
    """Each task with a server of its own, which knows nothing from the task before."""
    listing, outcomes = 0, list[Outcome]()
    for task in tasks:
        server: Server
        async with served(shop, exposure) as server:
            listing = server.listing
            outcomes.append(await tried(task, agent, shop, server))
    return listing, outcomes


def _print(outcomes: list[Outcome], listing: int, exposure: str) -> None:
    print(f"{'task':34}{'':7}{'calls':>7}{'before':>8}{'refused':>9}{'held':>6}{'read':>9}{'before':>9}{'s':>7}")
    for outcome in outcomes:
        task, figures = outcome.task, outcome.figures
        calls, read = task.before
        print(
            f"{task.number:>2} {task.title[:30]:31}{'FAILED' if outcome.problems else 'done':7}{figures.calls:>7}"
            f"{f'[{calls}]':>8}{len(figures.refused):>9}{figures.held:>6}{figures.read:>9,}{f'[{read}k]':>9}"
            f"{figures.seconds:>7.1f}"
        )
    done = sum(not outcome.problems for outcome in outcomes)
    calls = sum(outcome.figures.calls for outcome in outcomes)
    read = sum(outcome.figures.read for outcome in outcomes)
    tokens = sum(outcome.figures.tokens for outcome in outcomes)
    before = [sum(outcome.task.before[at] for outcome in outcomes) for at in (0, 1)]
    refused = sum(len(outcome.figures.refused) for outcome in outcomes)
    print(f"\n{done} of {len(outcomes)} done; {calls} calls [{before[0]}], {refused} refused; {read:,} characters read")
    looking = sum(outcome.figures.looking for outcome in outcomes)
    print(f"[{before[1]}k], about {tokens:,} tokens; {looking:,} of them characters of searches and describe actions.")
    print(f"The list of tools ({exposure}) has {listing:,} characters.")
    print("In brackets: an agent in November 2026 that saw all 354 tools as a list.")
    for outcome in outcomes:
        told = [*outcome.problems, *(f"a search missed: {one}" for one in outcome.figures.missed)]
        for one in told:
            print(f"{outcome.task.number:>4}: {one}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
