"""The protocol's own conformance suite against the server as it is by default, and the checks that may fail."""

import json
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from environments import environment, node_binary, variables
from hosted import Person, hosted_with_klaviyo, watched
from travelling import free_port, hosted_server, http_server

SUITE_SECONDS = 300
KNOWN = tomllib.loads((Path(__file__).parent / "conformance.toml").read_text(encoding="utf-8"))
REVISIONS: list[str] = KNOWN["revisions"]
METADATA, AUTHORIZATION = "hosted, metadata", "hosted, authorization code"
"""What the suite asks of the hosted service, without a person and with one; these stand beside the revisions."""
METADATA_SCENARIO, CODE_SCENARIO = "authorization-server-metadata-endpoint", "authorization-code-grant"
PASSED, WARNED, FAILED = "SUCCESS", "WARNING", "FAILURE"


@dataclass
class Conformance:
    """What the suite found: how many checks passed and are exempt in each revision, and all that is not right."""

    package: str
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: list[tuple[str, list[str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def run_conformance(parts: Collection[str]) -> Conformance:
    """Run the suite's parts and hold failures against conformance.toml. Raises Unbuildable, NotListening."""
    folder = environment(KNOWN["packages"], node=True)
    found = Conformance(KNOWN["packages"][0], reasons=[(group["why"], group["checks"]) for group in KNOWN["exempt"]])
    exempt = {entry for _, entries in found.reasons for entry in entries}
    stale = set(exempt) if {*REVISIONS} <= {*parts} else set[str]()
    for part in parts:
        run = {METADATA: run_metadata, AUTHORIZATION: run_authorization}.get(part)
        checks = run(folder) if run else run_suite(folder, part)
        if not checks:
            found.problems.append(f"{part}: the suite ran no check")
        passed = excused = 0
        for scenario, check, status, message in checks:
            covering = exempt & {scenario, f"{scenario}:{check}"}
            said = f"{part}, {scenario}:{check}: {message}"
            if status == PASSED:
                passed += 1
            elif covering:
                stale -= covering
                excused += status == FAILED
            else:
                (found.problems if status == FAILED else found.warnings).append(said)
        found.counts[part] = (passed, excused)
    found.problems += [f"{entry} is exempt in conformance.toml and does not fail any more" for entry in sorted(stale)]
    return found


def run_suite(folder: Path, revision: str) -> list[tuple[str, str, str, str]]:
    """Scenario, check, status and message of all that was judged, against a server of its own."""
    with http_server() as url:
        # It also fails for what is exempt here.
        return judged(folder, "server", "--url", url, "--requirements", revision)


def run_metadata(folder: Path) -> list[tuple[str, str, str, str]]:
    """The same of the hosted service's metadata, which needs neither a person nor Klaviyo."""
    with hosted_server(free_port()) as issuer:
        return judged(folder, "authorization", "--url", issuer, "--scenario", METADATA_SCENARIO)


def run_authorization(folder: Path) -> list[tuple[str, str, str, str]]:
    """The same of the hosted service as an authorization server, with a public client of the operator's.

    Its scenarios go together: the one that wants a code takes the metadata from the one before, and finds none alone.
    """
    port = free_port()
    client = {"client_id": "conformance", "redirect_uris": [f"http://127.0.0.1:{port}/callback"]}
    with hosted_with_klaviyo(KLAVIYO_MCP_CLIENTS=json.dumps([client])) as issuer:
        words = ["authorization", "--url", issuer, "--client-id", client["client_id"], "--port", str(port)]
        checks = [check for check in judged(folder, *words, person=Person(issuer)) if check[0] != METADATA_SCENARIO]
    if CODE_SCENARIO not in {scenario for scenario, *_ in checks}:
        checks.append((CODE_SCENARIO, CODE_SCENARIO, FAILED, "the suite has not judged it"))
    return checks


def judged(folder: Path, *words: str, person: Person | None = None) -> list[tuple[str, str, str, str]]:
    """Run the suite's program, before a person if one is needed, and read what it has judged."""
    checks: list[tuple[str, str, str, str]] = []
    program = folder / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    with tempfile.TemporaryDirectory(prefix="klaviyo-mcp-conformance-") as place:
        run = [str(node_binary()), str(program), *words, "-o", place]
        ended = ""
        if person is None:
            subprocess.run(run, env=variables(), capture_output=True, timeout=SUITE_SECONDS, check=False)
        else:
            ended = watched(run, variables(), person, SUITE_SECONDS).ended
        for results in sorted(Path(place).glob("*/checks.json")):
            scenario = re.sub(r"^(authorization-)?server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", results.parent.name)
            checks += [
                (scenario, check["id"], check["status"], check.get("errorMessage") or check.get("description", ""))
                for check in json.loads(results.read_text(encoding="utf-8"))
                if check["status"] in (PASSED, WARNED, FAILED)
            ]
    # It ends with status 1 for a check that has failed, which is told by itself.
    if ended and not any(status == FAILED for _, _, status, _ in checks):
        checks.append((words[0], "run", FAILED, ended))
    return checks
