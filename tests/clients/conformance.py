"""The protocol's own conformance suite against the server as it is by default, and the checks that may fail."""

import json
import re
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from environments import environment, node_binary, variables
from travelling import hosted_server, http_server

SUITE_SECONDS = 300
AUTHORIZATION = "hosted, authorization"
"""What the checks of the hosted service stand under, beside the revisions."""
METADATA = "authorization-server-metadata-endpoint"
PASSED, WARNED, FAILED = "SUCCESS", "WARNING", "FAILURE"


@dataclass
class Conformance:
    """What the suite found: how many checks passed and are exempt in each revision, and all that is not right."""

    package: str
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: list[tuple[str, list[str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def run_conformance() -> Conformance:
    """Run each revision's scenarios and hold failures against conformance.toml. Raises Unbuildable, NotListening."""
    known = tomllib.loads((Path(__file__).parent / "conformance.toml").read_text(encoding="utf-8"))
    folder = environment(known["packages"], node=True)
    found = Conformance(known["packages"][0], reasons=[(group["why"], group["checks"]) for group in known["exempt"]])
    exempt = {entry for _, entries in found.reasons for entry in entries}
    stale = set(exempt)
    for revision in [*known["revisions"], AUTHORIZATION]:
        checks = run_authorization(folder) if revision == AUTHORIZATION else run_suite(folder, revision)
        if not checks:
            found.problems.append(f"{revision}: the suite ran no check")
        passed = excused = 0
        for scenario, check, status, message in checks:
            covering = exempt & {scenario, f"{scenario}:{check}"}
            said = f"{revision}, {scenario}:{check}: {message}"
            if status == PASSED:
                passed += 1
            elif covering:
                stale -= covering
                excused += status == FAILED
            else:
                (found.problems if status == FAILED else found.warnings).append(said)
        found.counts[revision] = (passed, excused)
    found.problems += [f"{entry} is exempt in conformance.toml and does not fail any more" for entry in sorted(stale)]
    return found


def run_suite(folder: Path, revision: str) -> list[tuple[str, str, str, str]]:
    """Scenario, check, status and message of all that was judged, against a server of its own."""
    with http_server() as url:
        # It also fails for what is exempt here.
        return judged(folder, "server", "--url", url, "--requirements", revision)


def run_authorization(folder: Path) -> list[tuple[str, str, str, str]]:
    """The same of the hosted service's metadata. The rest of what the suite has for it needs a person's consent."""
    with hosted_server() as issuer:
        return judged(folder, "authorization", "--url", issuer, "--scenario", METADATA)


def judged(folder: Path, *words: str) -> list[tuple[str, str, str, str]]:
    """Run the suite's program, and read what it has judged."""
    checks = []
    program = folder / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    with tempfile.TemporaryDirectory(prefix="klaviyo-mcp-conformance-") as place:
        subprocess.run(
            [node_binary(), program, *words, "-o", place],
            env=variables(),
            capture_output=True,
            timeout=SUITE_SECONDS,
            check=False,
        )
        for results in sorted(Path(place).glob("*/checks.json")):
            scenario = re.sub(r"^(authorization-)?server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", results.parent.name)
            checks += [
                (scenario, check["id"], check["status"], check.get("errorMessage") or check.get("description", ""))
                for check in json.loads(results.read_text(encoding="utf-8"))
                if check["status"] in (PASSED, WARNED, FAILED)
            ]
    return checks
