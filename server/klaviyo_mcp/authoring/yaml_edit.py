"""Changes values inside the text of a YAML file and leaves every other character as it is, comments included."""

from typing import Any

import yaml

from klaviyo_mcp.authoring.yaml_layout import entry
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.yaml_text import parse

NOT_IN_PLACE = "the file cannot be refreshed in place; write it without YAML anchors and tags"


def rewrite(text: str, old: JSON, new: JSON) -> str:
    """The text changed so that it reads as `new`; `old` is what it reads as now. Only what differs is written anew.

    Raises ValueError when the text uses YAML (anchors, several documents) that cannot be changed in place.
    """
    if old == new:
        return text
    rewriting = _Rewriting(text)
    rewriting.mapping(yaml.compose(text, Loader=yaml.SafeLoader), old, new, ())  # pyright: ignore[reportUnknownMemberType]
    changed = rewriting.result()
    if parse(changed) != new:
        raise ValueError(NOT_IN_PLACE)
    return changed


class _Rewriting:
    def __init__(self, text: str) -> None:
        self.text = text if text.endswith("\n") else f"{text}\n"
        self.edits: list[tuple[int, int, str]] = []

    def result(self) -> str:
        """The text with all edits made, last place first; at one place, an inner mapping's lines precede an outer's."""
        text = self.text
        in_order = sorted(self.edits, key=lambda edit: edit[:2])
        for start, end, replacement in reversed(in_order):
            text = text[:start] + replacement + text[end:]
        return text

    def mapping(self, node: Any, old: JSON, new: JSON, path: tuple[str, ...]) -> None:
        """Edit a mapping in block style key by key."""
        places = {str(key.value): (key, value) for key, value in node.value}
        if places.keys() != old.keys():
            raise ValueError(NOT_IN_PLACE)
        indent = node.value[0][0].start_mark.column
        after = self.line_start(node.value[0][0].start_mark.index)
        added: dict[int, str] = {}
        for key, value in new.items():
            if key not in old:
                added[after] = added.get(after, "") + _lines(key, value, (*path, key), indent)
                continue
            name, place = places[key]
            after = self.line_end(place)
            if old[key] == value:
                continue
            if is_object(old[key]) and is_object(value) and old[key].keys() & value.keys() and _is_block(place):
                self.mapping(place, old[key], value, (*path, key))
            else:
                fresh = _lines(key, value, (*path, key), indent).strip()
                self.edits.append((name.start_mark.index, _end(place), fresh))
        for key in old:
            if key not in new:
                name, place = places[key]
                self.edits.append((self.line_start(name.start_mark.index), self.line_end(place), ""))
        self.edits += [(place, place, lines) for place, lines in added.items()]

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, node: Any) -> int:
        """The start of the line after a value."""
        end = _end(node)
        return end if self.text[end - 1] == "\n" else self.text.index("\n", end) + 1


def _lines(key: str, value: Any, path: tuple[str, ...], indent: int) -> str:
    return "".join(f"{line}\n" for line in entry(key, value, path, indent))


def _is_block(node: Any) -> bool:
    return isinstance(node, yaml.MappingNode) and not node.flow_style and bool(node.value)


def _end(node: Any) -> int:
    """Where a value's last character is; the parser ends block collections only at the next token, after comments."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return node.end_mark.index
