"""The YAML of spec files: parsed once, by libyaml where PyYAML has it, and bounded against text that means harm."""

from collections.abc import Iterator
from typing import Any

import yaml

from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.errors import SpecError, SpecProblem

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 100
"""Levels of nesting; the deepest spec has a quarter of it, and every walk over a spec goes down by recursion."""

PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null")}
"""What JSON has too."""


def parse(text: str | bytes, file: str = "the text") -> JSON:
    """The mapping in the text of a spec file. Raises SpecError with every problem; `file` is named in it."""
    try:
        loader: Any = LOADER(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise SpecError([SpecProblem(file, 1, "a spec file holds one mapping, starting with 'name:'")])
        if found := [SpecProblem(file, line, message) for line, message in _mistakes(root)]:
            raise SpecError(found)
        return mapping(loader.construct_document(root))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SpecError([SpecProblem(file, line, f"not valid YAML: {error.problem}")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError([SpecProblem(file, 0, f"cannot be read: {error}")]) from None


def _mistakes(root: Any) -> Iterator[tuple[int, str]]:
    """What YAML allows and a spec file does not, with its line. Values are visited once, so aliases cannot blow up."""
    seen: set[int] = set()
    left: list[tuple[Any, int]] = [(root, 1)]
    while left:
        node, depth = left.pop()
        line = node.start_mark.line + 1
        if id(node) in seen:
            yield line, "this value is used again through an alias (*); spec files write every value out"
            return
        if depth > DEEPEST:
            yield line, f"nested more than {DEEPEST} levels deep"
            return
        seen.add(id(node))
        if node.tag.endswith(":timestamp"):
            # A date is the text that it is written as: `revision: 2026-07-15` is sent.
            node.tag = "tag:yaml.org,2002:str"
        if node.tag not in PLAIN:
            yield line, f"a value of the kind {node.tag.rpartition(':')[2]!r} is not plain data; write it in quotes"
        if node.id == "mapping":
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if key.tag.endswith(":merge"):
                    yield key.start_mark.line + 1, "merge keys (<<) are not used in spec files; write the keys out"
                elif not key.tag.endswith(":str"):
                    yield key.start_mark.line + 1, f"the key {name!r} is not text; write it in quotes"
                if name in keys:
                    yield key.start_mark.line + 1, f"the key {name!r} stands here twice"
                keys.add(name)
                left.append((value, depth + 1))
        elif node.id == "sequence":
            left += [(value, depth + 1) for value in node.value]


class LineNumbers:
    """Where the keys of a YAML file are: the line of a location such as `('request', 'path')`."""

    def __init__(self, text: str | bytes) -> None:
        """Composes the nodes of a text that `parse` has taken; only done when there is something to report."""
        loader: Any = LOADER(text)
        self.root = loader.get_single_node()

    def of(self, location: tuple[int | str, ...]) -> int:
        """The line (from 1) of the deepest part of `location` that the file has."""
        node, line = self.root, 1
        for part in location:
            if isinstance(node, yaml.MappingNode):
                pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line
