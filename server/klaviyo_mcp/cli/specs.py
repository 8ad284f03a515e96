"""`specs check` and `docs`: the catalogue against its rules, and the files that are generated from it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from klaviyo_mcp import __version__
from klaviyo_mcp.authoring.examples import rehearse
from klaviyo_mcp.authoring.indexes import action_index, migration_table
from klaviyo_mcp.authoring.precondition_index import precondition_index
from klaviyo_mcp.authoring.rules import check_folder
from klaviyo_mcp.installing.docs import BLANK, with_clients
from klaviyo_mcp.klaviyo import errors
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry import toolsets
from klaviyo_mcp.registry.errors import SpecProblem
from klaviyo_mcp.registry.loading import CHECKOUT_SPECS, editor_schema, load_catalogue
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.toolsets import undecided

SNAPSHOTS = "tests/mcp_server/snapshots"
RELEASED = "tests/released"

app = typer.Typer()
specs = typer.Typer(
    help="Check the spec files that describe the actions.",
    no_args_is_help=True,
    epilog="Example: klaviyo-mcp specs check",
)
app.add_typer(specs, name="specs")
OpenAPIOption = Annotated[Path, typer.Option("--openapi", metavar="FILE", help="Klaviyo's OpenAPI document.")]


@specs.command("check", epilog="Example: klaviyo-mcp specs check")
def check_specs(
    folder: Annotated[Path | None, typer.Argument(help="Folder of spec files; the checkout's own by default.")] = None,
) -> None:
    """Check every rule of the spec format, and that every example validates and builds."""
    sys.exit(run_check(folder))


@specs.command("released", epilog="Example: klaviyo-mcp specs released")
def released_specs(
    write: Annotated[bool, typer.Option("--write", help="Write down what this version promises.")] = False,
) -> None:
    """Tell what this catalogue breaks of what the last release promised; exit 1 when it does."""
    sys.exit(run_released(write=write))


@specs.command("draft", epilog="Example: klaviyo-mcp specs draft --openapi klaviyo.json get_lists")
def draft_specs(
    openapi: OpenAPIOption,
    operations: Annotated[list[str] | None, typer.Argument(help="Operations to draft; all by default.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder of spec files; the checkout's own by default.")] = None,
) -> None:
    """Write or refresh the facts of specs from an OpenAPI document; what a person wrote stays."""
    sys.exit(run_draft(openapi, operations, folder))


@specs.command("diff", epilog="Example: klaviyo-mcp specs diff --openapi klaviyo.json")
def diff_specs(
    openapi: OpenAPIOption,
    folder: Annotated[Path | None, typer.Option(help="Folder of spec files; the checkout's own by default.")] = None,
) -> None:
    """Tell how the catalogue differs from an OpenAPI document; exit 1 when it does."""
    sys.exit(run_diff(openapi, folder))


@app.command(epilog="Example: klaviyo-mcp docs --check")
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when a generated file is stale.")
    ] = False,
) -> None:
    """Write the generated files of a checkout: indexes of actions, the schema of spec files, snapshots of tools."""
    sys.exit(write_docs(check=check))


def run_check(folder: Path | None) -> int:
    """Print every problem of every spec; the exit code is 1 when there is one."""
    folder = folder or CHECKOUT_SPECS
    if not folder.is_dir():
        print(f"klaviyo-mcp: {folder} is not a folder; 'specs check' needs a checkout or a FOLDER.", file=sys.stderr)
        return 2
    specs, problems = check_folder(folder, error_codes())
    if not problems:
        problems = rehearse(folder, specs)
        if folder == CHECKOUT_SPECS:
            problems += [SpecProblem(toolsets.__file__, 0, message) for message in undecided(specs)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {len(specs)} specs.", file=sys.stderr)
        return 1
    print(f"{len(specs)} specs, no problems.")
    return 0


def error_codes() -> set[str]:
    """The codes of all errors that Klaviyo or the way to it can give."""
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    return {kind.code for kind in kinds if issubclass(kind, errors.KlaviyoError)}


@specs.command("facts", epilog="Example: klaviyo-mcp specs facts --openapi klaviyo.json --out facts.json")
def write_facts(
    openapi: OpenAPIOption,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write them; printed by default.")] = None,
    operations: Annotated[list[str] | None, typer.Argument(help="Only these, added to the file.")] = None,
) -> None:
    """Make the sandbox's file of facts of an API revision from its OpenAPI document, or add operations to it."""
    sys.exit(run_facts(openapi, out, operations or []))


def run_released(*, write: bool) -> int:
    """Compare with the newest file of promises, and print what is broken; `write` adds this version's own."""
    from klaviyo_mcp.authoring.promises import broken, written  # for this command alone

    folder = CHECKOUT_SPECS.parent / RELEASED
    if not folder.is_dir():
        print("klaviyo-mcp: 'specs released' needs a checkout of the project.", file=sys.stderr)
        return 2
    own = folder / f"{__version__}.json"
    files = [path for path in folder.glob("*.json") if path != own or not write]
    last = max(files, key=lambda path: [int(part) for part in path.stem.split(".")], default=None)
    now = promised_now()
    problems = [] if last is None else list(broken(json.loads(last.read_bytes()), now))
    for problem in problems:
        print(problem, file=sys.stderr)
    if write and not problems:
        own.write_text(written(now), "utf-8")
        print(f"wrote {own.relative_to(CHECKOUT_SPECS.parent)}")
    elif not problems and last is not None:
        print(f"All that {last.stem} promised is kept.")
    return 1 if problems else 0


def promised_now() -> JSON:
    """What this version promises of actions, and of the server's own tools."""
    from klaviyo_mcp.authoring.promises import promise
    from klaviyo_mcp.runtime.exposure import parse_exposure
    from klaviyo_mcp.tools.server_tools import server_tools

    registry = Registry(load_catalogue())
    exposure = parse_exposure("search", registry, confirm="destructive")
    return promise(registry, server_tools(exposure, registry.names))


def run_draft(openapi: Path, operations: list[str] | None, folder: Path | None) -> int:
    """Draft or refresh specs and say which files changed. The exit code is 2 when that cannot be done."""
    from klaviyo_mcp.authoring.draft import draft_files  # 30 ms that a check does without

    try:
        drafted = draft_files(openapi, folder or CHECKOUT_SPECS, operations or None)
    except (OSError, ValueError, KeyError) as error:
        print(f"klaviyo-mcp: {error.args[-1] if isinstance(error, KeyError) else error}", file=sys.stderr)
        return 2
    for one in drafted:
        if one.outcome == "pinned":
            print(f"left as it is, for its `revision:` is another: {one.path}")
        elif one.outcome != "unchanged":
            print(f"{one.outcome}: {one.path}")
    changed = sum(one.outcome in ("written", "refreshed") for one in drafted)
    print(f"{len(drafted)} specs, {changed} changed. New ones need their words; see docs/adding-an-action.md.")
    return 0


def run_diff(openapi: Path, folder: Path | None) -> int:
    """Print how the catalogue differs from a document; the exit code is 1 when it does, 2 when that cannot be told."""
    from klaviyo_mcp.authoring.diff import diff, render  # 30 ms that a check does without
    from klaviyo_mcp.authoring.openapi import load_document

    specs = load_catalogue(folder)
    try:
        difference = diff(specs, load_document(openapi))
    except (OSError, ValueError) as error:
        print(f"klaviyo-mcp: {error}", file=sys.stderr)
        return 2
    print(render(difference).rstrip())
    return 1 if difference else 0


def run_facts(openapi: Path, out: Path | None, only: list[str]) -> int:
    """Write the facts of a document to a file, or print them. The exit code is 2 when that cannot be done.

    The facts of `only` some operations are added to what the file holds.
    """
    from klaviyo_mcp.authoring.facts import render, revision_facts  # 30 ms that a check does without
    from klaviyo_mcp.authoring.openapi import load_document

    try:
        known = json.loads(out.read_bytes()) if only and out is not None and out.is_file() else None
        facts = revision_facts(load_document(openapi), only, known)
        if out is None:
            sys.stdout.write(render(facts))
        else:
            out.write_text(render(facts), "utf-8")
            print(f"{len(facts['operations'])} operations of revision {facts['revision']} in {out}.")
    except (OSError, ValueError) as error:
        print(f"klaviyo-mcp: {error}", file=sys.stderr)
        return 2
    return 0


def write_docs(*, check: bool) -> int:
    """Write the generated files of the checkout, or with `check` only tell which are stale (exit code 1)."""
    root = CHECKOUT_SPECS.parent
    if not CHECKOUT_SPECS.is_dir():
        print("klaviyo-mcp: 'docs' needs a checkout of the project.", file=sys.stderr)
        return 2
    specs = load_catalogue()
    page = root / "docs/install.md"
    texts = {
        "docs/action.schema.json": editor_schema(),
        "docs/actions.md": action_index(specs),
        "docs/install.md": with_clients(page.read_text("utf-8") if page.is_file() else BLANK),
        "docs/migrating.md": migration_table(specs),
        "docs/preconditions.md": precondition_index(specs),
        **{f"{SNAPSHOTS}/{spec.name}.json": snapshot(spec) for spec in specs},
    }
    files = {root / name: text for name, text in texts.items()}
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    stale += [path for path in sorted((root / SNAPSHOTS).glob("*.json")) if path not in files]
    for path in stale:
        if check:
            print(f"{path.relative_to(root)} is stale; run 'make docs'.", file=sys.stderr)
        elif path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], "utf-8")
            print(f"wrote {path.relative_to(root)}")
        else:
            path.unlink()
            print(f"removed {path.relative_to(root)}")
    return 1 if check and stale else 0


def snapshot(spec: ActionSpec) -> str:
    """What an agent sees of a tool, so that every change to that is a readable diff."""
    from klaviyo_mcp.tools.listing import as_tool

    seen = as_tool(Action(spec))
    return json.dumps(seen, indent=1, ensure_ascii=False) + "\n"
