"""A dry run of every spec: its examples must validate and build, and its tool must stay small."""

import json
from pathlib import Path

from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.authoring.rules import file_of
from klaviyo_mcp.registry.errors import SpecProblem
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_schema import listed_schema

LARGEST_TOOL = 6_000
"""Bytes of one tool's description and schema as an agent gets them."""


def rehearse(folder: Path, specs: list[ActionSpec]) -> list[SpecProblem]:
    """What is wrong with examples and sizes, by file."""
    engine = Engine(Registry(specs))
    problems: list[SpecProblem] = []
    for spec in specs:
        path = str(file_of(folder, spec))
        for index, example in enumerate(spec.examples):
            try:
                engine.plan(Call(spec.name, example.arguments))
            except ActionError as error:
                details = " ".join(str(problem) for problem in error.problems) or error.message
                problems.append(SpecProblem(path, 0, f"example {index + 1} ({example.when}): {details}"))
        size = len(json.dumps(listed_schema(spec)).encode()) + len(spec.description.encode())
        if size > LARGEST_TOOL:
            problems.append(SpecProblem(path, 0, f"the tool has {size:,} bytes; at most {LARGEST_TOOL:,} are allowed"))
    return problems
