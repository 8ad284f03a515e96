"""What MkDocs is told beside mkdocs.yml: the pages that are generated, and what is done to those that are there."""

import json
import logging
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
from bench.tasks.scripts import SCRIPTS
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.registry.guides import guides
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.model import ServiceRequest
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import preview_call
from website.action_page import ActionPages, planned_requests
from website.recipes import with_answers
from website.samples import Sample, Sent, samples

log = logging.getLogger("mkdocs.plugins.klaviyo_mcp")  # a warning here fails a strict build
ROOT = Path(__file__).resolve().parent.parent
TAKEN_FROM = {
    "changelog.md": "CHANGELOG.md",
    "reporting-a-hole.md": "SECURITY.md",
    "tasks.md": "bench/tasks/README.md",
}
"""Pages that stand elsewhere in the repository."""
GUIDES = {f"server/klaviyo_mcp/guides/{topic}.md": f"guides/{topic}.md" for topic in guides()}
ELSEWHERE = {**{there: here for here, there in TAKEN_FROM.items()}, **GUIDES, "README.md": "index.md"}
"""Files of the repository that are pages, and which."""
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^()\s]+)\)")
FENCED = re.compile(r"(^ *(`{3,}|~{3,}).*?^ *\2 *$)", re.MULTILINE | re.DOTALL)
LOADED = re.compile(r"<(?:script|img|iframe|link (?!rel=\"canonical\"))[^>]*(?:src|href)=\"((?:https?:)?//[^\"]+)\"")
HREF = re.compile(r"<a [^>]*href=\"([a-z][a-z+.-]*:[^\"]*)\"")
SCHEMES = {"https", "mailto"}
LOCAL = {"127.0.0.1", "localhost"}

os.environ["KLAVIYO_MCP_QUOTA"] = "off"  # the shops of this build are nobody's account
SPECS = load_catalogue()
COUNTED = re.compile(r"<!--(\w+)-->[\d,]+")
"""A figure of the catalogue in a page, with its name in a comment before it."""
COUNTS = {
    "actions": len(SPECS),
    "preconditions": sum(len(spec.preconditions) for spec in SPECS),
    "tasks": len(SCRIPTS),
}
PAGES = ActionPages(SPECS)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The guides and the toolsets stand in the navigation, below the list of all actions."""
    toolsets = sorted({spec.toolset for spec in SPECS})
    for entry in config.nav or []:
        if "Actions" in entry:
            entry["Actions"].append({"Guides": [{one.title: f"guides/{topic}.md"} for topic, one in guides().items()]})
            entry["Actions"].append({"By toolset": [{name: f"actions/{name}.md"} for name in toolsets]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """A page for each action, toolset and guide, and those that stand elsewhere."""
    tried = samples(SPECS)
    untried = anyio.run(_planned, [spec.name for spec in SPECS if spec.name not in tried])
    log.info("%d of %d actions have a sample answer.", len(tried), len(SPECS))
    for spec in SPECS:
        if spec.name not in tried and not isinstance(spec.request, ServiceRequest):
            log.warning("No example of %s works: say in website/prepared.yaml what has to be there.", spec.name)
    content = {PAGES.path(spec.name): _action(spec, tried, untried) for spec in SPECS}
    content |= {f"actions/{name}.md": PAGES.toolset(name) for name in {spec.toolset for spec in SPECS}}
    content |= {f"guides/{topic}.md": _guide(guide) for topic, guide in guides().items()}
    content |= {here: (ROOT / there).read_text("utf-8") for here, there in TAKEN_FROM.items()}
    content["settings.md"] = _settings((ROOT / "README.md").read_text("utf-8"))
    for path, text in content.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_nav(nav: Navigation, files: Files, **_: Any) -> Navigation:
    """The page of an action is shown below its toolset; in the navigation of every page they would be too much."""
    toolsets = {page.file.src_uri: page for page in nav.pages}
    for file in files.documentation_pages():
        toolset = toolsets.get(f"{file.src_uri.rpartition('/')[0]}.md")
        if file.generated_by and file.page and file.page not in nav.pages and toolset:
            file.page.parent = toolset.parent
    return nav


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Calls of recipes are carried out; links out of docs/ lead to what the site has; names of actions are links."""
    path = page.file.src_uri
    if path.startswith("recipes/") and path != "recipes/index.md":
        markdown = anyio.run(with_answers, markdown)
    if page.file.generated_by and path.startswith("actions/"):
        return markdown
    markdown = COUNTED.sub(lambda found: f"{COUNTS[found[1]]:,}", markdown)
    came_from = {**TAKEN_FROM, "settings.md": "README.md"}.get(path, f"docs/{path}")
    up = "../" * path.count("/")
    prose = [
        part if index % 3 == 1 else "" if index % 3 == 2 else _prose(part, came_from, up)
        for index, part in enumerate(FENCED.split(markdown))
    ]
    return "".join(prose)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Nothing is loaded from elsewhere, and links to elsewhere are links."""
    for url in LOADED.findall(output):
        log.warning("%s loads %s", page.file.src_uri, url)
    for url in HREF.findall(output):
        parts = urlsplit(url)
        is_there = parts.scheme == "mailto" or (parts.hostname and ("." in parts.hostname or parts.hostname in LOCAL))
        if not is_there or (parts.scheme not in SCHEMES and parts.hostname not in LOCAL):
            log.warning("%s links to %s, which is no address over https", page.file.src_uri, url)
    return output


def _prose(text: str, came_from: str, up: str) -> str:
    """A text between blocks of code; headings keep their names bare, as anchors are made of them."""
    lines = LINK.sub(lambda link: _here(link, came_from, up), text).split("\n")
    return "\n".join(line if line.startswith("#") else PAGES.linked(line, up=up) for line in lines)


def _here(link: re.Match[str], came_from: str, up: str) -> str:
    """A link as the site has it: to a file of the repository that is no page, it is just its name."""
    target, _, anchor = link[2].partition("#")
    if not target or ":" in target:
        return link[0]
    there = (ROOT / came_from).parent.joinpath(target).resolve().relative_to(ROOT).as_posix()
    if there in ELSEWHERE:
        return f"[{link[1]}]({up}{ELSEWHERE[there]}{'#' if anchor else ''}{anchor})"
    if there.startswith("docs/"):
        return f"[{link[1]}]({up}{there.removeprefix('docs/')}{'#' if anchor else ''}{anchor})"
    return link[1] if link[1].strip("`") == there else f"{link[1]} (`{there}`)"


def _settings(readme: str) -> str:
    """The table of settings, which stands in the README and nowhere else."""
    table = "| Setting |" + readme.partition("| Setting |")[2].partition("\n\n")[0]
    return f"# Settings\n\nVariables of the environment; those of the command line are in `--help`.\n\n{table}\n"


def _action(spec: Any, tried: dict[str, Sample], untried: dict[str, tuple[Sent, ...]]) -> str:
    return PAGES.page(spec, tried.get(spec.name), untried.get(spec.name, ()))


def _guide(guide: Any) -> str:
    text = re.sub(r"^```json (\w+)$", r'```json title="\1"', guide.text, flags=re.MULTILINE)
    return f"---\ntitle: {json.dumps(guide.title)}\ndescription: {json.dumps(guide.description)}\n---\n\n{text}"


async def _planned(names: list[str]) -> dict[str, tuple[Sent, ...]]:
    """The requests of the first example of actions that could not be tried."""
    engine = Engine(Registry(SPECS))
    by_name = {spec.name: spec for spec in SPECS}
    found: dict[str, tuple[Sent, ...]] = {}
    for name in names:
        if examples := by_name[name].examples:
            response = await preview_call(engine, None, Call(name, examples[0].arguments))
            found[name] = planned_requests(response.answer.data)
    return found
