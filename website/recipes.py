"""Recipes: pages whose calls are carried out, by the tests and when the site is built, so that what they show is true.

A call is a block of `klaviyo-mcp call` lines. Behind its language may stand what is to be said of its last answer:

    ```bash held                       it waits for a yes, and nothing was done
    ```bash refused                    it is an error
    ```bash CAMPAIGN_ID=campaign_id    a later call can say CAMPAIGN_ID for what is there
    ```bash shows="20 people"          these words are in it
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klaviyo_mcp import Answer, Klaviyo
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve
from website.action_page import beginning
from website.action_page import block as fenced

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "recipes"
BLOCK = re.compile(r"^```bash( [^\n]*)?\n((?:klaviyo-mcp call [^\n]*\n(?:[ '}\]][^\n]*\n)*)+)```$", re.MULTILINE)
ANSWER_TOKENS = 1_200
MOST_LINES = 40


class Untrue(Exception):
    """A recipe says something that is not so."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block of a recipe: its commands, what is expected of the last answer, and where it stands."""

    commands: tuple[str, ...]
    outcome: str
    keeps: dict[str, str] = field(default_factory=dict[str, str])
    shows: str = ""


def step_of(block: re.Match[str]) -> Step:
    """What a block says."""
    words = shlex.split(block[1] or "")
    outcome = next((word for word in words if word in ("held", "refused")), "done")
    named = dict(word.split("=", 1) for word in words if "=" in word)
    shows = named.pop("shows", "")
    commands = re.findall(r"^klaviyo-mcp call .*(?:\n[^k\n].*)*", block[2], re.MULTILINE)
    return Step(tuple(commands), outcome, named, shows)


async def with_answers(markdown: str) -> str:
    """A recipe with the answer below each of its blocks, from a shop of its own. Raises Untrue."""
    with serve(create_app(rate_limits=False, job_seconds=0, estimation_seconds=0)) as url:
        async with Klaviyo(base_url=url, api_key=API_KEY, company_id=COMPANY_ID) as klaviyo:
            return await answered(markdown, klaviyo)


async def answered(markdown: str, klaviyo: Klaviyo) -> str:
    """A recipe with its answers, from this shop. Raises Untrue."""
    known: dict[str, str] = {}
    parts: list[str] = []
    end = 0
    for block in BLOCK.finditer(markdown):
        answer = await _carried_out(klaviyo, step_of(block), known)
        parts += [markdown[end : block.start()], f"```bash\n{block[2]}```\n\n", _shown(answer)]
        end = block.end()
    return "".join([*parts, markdown[end:]])


async def _carried_out(klaviyo: Klaviyo, step: Step, known: dict[str, str]) -> Answer:
    """The last answer of a block."""
    answer: Answer | None = None
    for command in step.commands:
        answer = await _call(klaviyo, command, known)
    if answer is None:
        raise Untrue("a block without a call")
    outcome = "refused" if answer.error else "done" if answer.done or answer.previewed else "held"
    if outcome != step.outcome:
        raise Untrue(f"{step.commands[-1]}\nis {outcome}, not {step.outcome}:\n{answer.text}")
    if step.shows not in answer.text:
        raise Untrue(f"{step.commands[-1]}\ndoes not show {step.shows!r}:\n{answer.text}")
    known |= {name: _at(answer.data, path) for name, path in step.keeps.items()}
    return answer


async def _call(klaviyo: Klaviyo, command: str, known: dict[str, str]) -> Answer:
    """A line of the command line, by the same engine."""
    for name, value in known.items():
        command = command.replace(name, value)
    _, _, action, *words = shlex.split(command)
    arguments: JSON = json.loads(words[words.index("--json") + 1]) if "--json" in words else {}
    if "--preview" in words:
        return await klaviyo.preview(action, arguments, raises=False)
    answer = await klaviyo.call(action, arguments, raises=False, answer_tokens=ANSWER_TOKENS)
    if "--yes" in words and answer.confirmation:
        return await klaviyo.confirm(answer, raises=False)
    return answer


def _at(data: Any, path: str) -> str:
    for part in path.split("."):
        data = data[int(part)] if part.isdigit() else mapping(data)[part]
    return str(data)


def _shown(answer: Answer) -> str:
    return fenced("text", beginning(answer.text, MOST_LINES), "The answer, as an assistant reads it")
