"""Drafts spec files from Klaviyo's OpenAPI document, and refreshes the facts of existing ones but not their words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from klaviyo_mcp.authoring.drafted import bare, facts, is_drafted, suggestions
from klaviyo_mcp.authoring.merge import ORDER, in_order, refreshed
from klaviyo_mcp.authoring.openapi import Operation, describes, load_document, operations, revision_of
from klaviyo_mcp.authoring.yaml_edit import rewrite
from klaviyo_mcp.authoring.yaml_layout import file_text
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.loading import spec_files
from klaviyo_mcp.registry.yaml_text import parse

Outcome = Literal["written", "refreshed", "unchanged", "pinned"]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What drafting did with one file; a `pinned` one is written for another revision than the document's."""

    path: Path
    outcome: Outcome


def draft(document: JSON, operation_id: str, existing: str | None = None) -> str:
    """The text of a spec file: a new one with facts and no words, or `existing` with its facts brought up to date.

    Raises KeyError when the document has no such operation, ValueError when `existing` is not a spec of one operation.
    """
    return _drafted(_operation(operations(document), operation_id), existing, revision_of(document))


def draft_files(document_path: Path, folder: Path, names: list[str] | None = None) -> list[Drafted]:
    """Draft or refresh the specs of the operations `names` (None: of all) in `folder`; one entry for each file.

    An operation without a file gets `<toolset>/<operation>.yaml`; one that several files use has all of them refreshed.
    Nothing is written unless everything could be drafted. Raises KeyError for an operation the document does not have,
    and ValueError or OSError for a file that cannot be read.
    """
    document = load_document(document_path)
    known, revision = operations(document), revision_of(document)
    existing = _Files.of(folder, revision)
    pinned: dict[Path, None] = {}
    texts: dict[Path, tuple[str | None, str]] = {}
    for name in names if names is not None else list(known):
        operation = _operation(known, name)
        kept = existing.pinned(operation)
        pinned |= dict.fromkeys(kept)
        new = [] if kept else [existing.folder_of(operation, known) / f"{name}.yaml"]
        for path in existing.by_operation.get(name, new):
            before = path.read_text("utf-8") if path.exists() else None
            try:
                texts[path] = (before, _drafted(operation, before, revision))
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
    drafted = [_write(path, before, after) for path, (before, after) in texts.items()]
    return [*drafted, *(Drafted(path, "pinned") for path in pinned)]


def _operation(known: dict[str, Operation], name: str) -> Operation:
    if name not in known:
        raise KeyError(f"the document has no operation {name!r}")
    return known[name]


def _drafted(operation: Operation, existing: str | None, revision: str) -> str:
    if existing is None:
        pin = {} if describes(revision, None) else {"revision": revision}
        return file_text(in_order({**facts(operation), **suggestions(operation), **pin}, ORDER))
    spec = parse(existing)
    if not is_drafted(spec):
        raise ValueError("has no 'operation' with one HTTP request, so there are no facts to refresh")
    return rewrite(existing, spec, refreshed(spec, facts(operation, spec.get("request"))))


@dataclass(frozen=True, slots=True)
class _Files:
    """The spec files of a folder that a refresh applies to, by the operation they name, and those of other revisions.

    Those that are `kept` are by method and path: Klaviyo gives an operation another name when it has another form.
    """

    folder: Path
    by_operation: dict[str, list[Path]]
    kept: dict[tuple[str, str], list[Path]]

    @classmethod
    def of(cls, folder: Path, revision: str) -> "_Files":
        files = cls(folder, {}, {})
        for path in spec_files(folder):
            spec = parse(path.read_bytes(), str(path))
            if not is_drafted(spec):
                continue
            if describes(revision, spec.get("revision")):
                files.by_operation.setdefault(str(spec["operation"]), []).append(path)
            else:
                request = mapping(spec.get("request"))
                route = str(request.get("method")), bare(str(request.get("path")))
                files.kept.setdefault(route, []).append(path)
        return files

    def pinned(self, operation: Operation) -> list[Path]:
        return self.kept.get((operation.method, bare(operation.path)), [])

    def folder_of(self, operation: Operation, known: dict[str, Operation]) -> Path:
        """Where a new spec goes: to its kin, or to a folder of its tag's name."""
        kin = (name for name, other in known.items() if other.kin == operation.kin)
        beside = (path.parent for name in kin for path in self.by_operation.get(name, ()))
        return next(beside, self.folder / operation.toolset)


def _write(path: Path, before: str | None, after: str) -> Drafted:
    if before == after:
        return Drafted(path, "unchanged")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(after, "utf-8")
    return Drafted(path, "refreshed" if before is not None else "written")
