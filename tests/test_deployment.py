"""The files that put the hosted service on machines: valid by their schemas, and in step with the settings."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from klaviyo_mcp.cli.hosted import hosted
from klaviyo_mcp.hosted.config import hosted_config, keeps_jobs
from klaviyo_mcp.mcp_server.draining import LAST_WORDS
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
MANIFESTS: dict[str, Any] = {
    document["kind"]: document
    for path in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text("utf-8"))
}
POD = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
SERVER = POD["containers"][0]
SERVERS = [name for name, service in COMPOSE["services"].items() if "build" in service]
SETTINGS = {name.upper() for name in Settings.model_fields}
FILLED_IN = {
    "KLAVIYO_MCP_PUBLIC_URL": "https://mcp.example.org",
    "KLAVIYO_CLIENT_ID": "app-of-a-test",
    "KLAVIYO_CLIENT_SECRET": "s" * 40,
    "KLAVIYO_MCP_APP_SCOPE": "user",
    "KLAVIYO_MCP_SECRET": "a" * 44,
    "KLAVIYO_MCP_VAULT_KEY": "b" * 44,
    "KLAVIYO_MCP_VAULT_URL": "rediss://:secret@redis.example.org:6379/0",
    "KLAVIYO_MCP_JOBS_URL": "postgresql://klaviyo:secret@postgres.example.org:5432/klaviyo_jobs",
    "REDIS_PASSWORD": "c" * 64,
    "POSTGRES_PASSWORD": "d" * 64,
}
"""What an operator writes in .env, and in the secret."""
PINNED = re.compile(r"[\w./-]+(:\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})")


def test_the_compose_file_is_one() -> None:
    schema = json.loads((files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json").read_text("utf-8"))
    jsonschema.validate(COMPOSE, schema)


@pytest.mark.parametrize("kind", MANIFESTS)
def test_every_manifest_is_one_and_has_no_field_that_does_not_exist(kind: str) -> None:
    kubernetes_validate.validate(MANIFESTS[kind], "1.37", strict=True)


def test_images_are_pinned() -> None:
    images = [service["image"] for name, service in COMPOSE["services"].items() if name not in SERVERS]
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for image in [*images, *bases, SERVER["image"]]:
        assert PINNED.fullmatch(image), image


def of_compose(name: str) -> dict[str, str]:
    return {key: filled_in(value) for key, value in COMPOSE["services"][name]["environment"].items()}


def filled_in(text: str) -> str:
    """Compose's `${NAME:?why}` and `${NAME:-default}`."""
    return re.sub(r"\$\{(\w+)(:[?-][^}]*)?\}", lambda found: FILLED_IN[found[1]], text)


def of_kubernetes() -> dict[str, str]:
    secrets = {one["name"]: FILLED_IN[one["valueFrom"]["secretKeyRef"]["key"]] for one in SERVER["env"]}
    assert all(one["name"] == one["valueFrom"]["secretKeyRef"]["key"] for one in SERVER["env"])
    assert SERVER["envFrom"] == [{"configMapRef": {"name": MANIFESTS["ConfigMap"]["metadata"]["name"]}}]
    return {**MANIFESTS["ConfigMap"]["data"], **secrets}


def environments() -> Iterator[Any]:
    for name in SERVERS:
        yield pytest.param(of_compose(name), COMPOSE["services"][name]["stop_grace_period"].rstrip("s"), id=name)
    yield pytest.param(of_kubernetes(), POD["terminationGracePeriodSeconds"], id="kubernetes")


@pytest.mark.parametrize(("environment", "patience"), [*environments()])
def test_a_server_starts_with_what_it_is_given_and_is_not_killed_before_it_has_stopped(
    environment: Mapping[str, str], patience: str | int, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KLAVIYO_MCP_HOME", raising=False)
    for name, value in environment.items():
        assert name in SETTINGS
        monkeypatch.setenv(name, value)
    settings = Settings()
    config = hosted_config(settings, registry)
    assert config.issuer == FILLED_IN["KLAVIYO_MCP_PUBLIC_URL"]
    assert config.app_scope == environment["KLAVIYO_MCP_APP_SCOPE"]
    assert settings.klaviyo_mcp_vault_url is not None, "instances share nothing else"
    assert keeps_jobs(settings)
    assert settings.klaviyo_mcp_stop_within is not None
    assert int(patience) > settings.klaviyo_mcp_drain + settings.klaviyo_mcp_stop_within + LAST_WORDS


def test_the_example_of_an_environment_names_all_that_compose_asks_for_and_holds_no_secret() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text("utf-8").splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(named) == set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    assert set(named.values()) == {"", "company"}


def test_services_links_make_no_settings() -> None:
    # A Service of this name would be told of as KLAVIYO_MCP_PORT, and settings that do not exist are refused.
    assert MANIFESTS["Service"]["metadata"]["name"] == "klaviyo-mcp"
    assert POD["enableServiceLinks"] is False


def test_redis_forgets_nothing_by_itself() -> None:
    words = COMPOSE["services"]["redis"]["command"]
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"
    assert "redis-data:/data" in COMPOSE["services"]["redis"]["volumes"]
    assert COMPOSE["networks"]["data"]["internal"] is True


def test_postgres_keeps_its_data_and_is_reached_by_the_servers_alone() -> None:
    postgres = COMPOSE["services"]["postgres"]
    assert "postgres-data:/var/lib/postgresql/data" in postgres["volumes"]
    assert postgres["networks"] == ["data"]
    ports = [one["port"] for rule in MANIFESTS["NetworkPolicy"]["spec"]["egress"] for one in rule["ports"]]
    assert {6379, 5432} <= set(ports)
    for name in SERVERS:
        # What is in memory counts against the limit of the container.
        assert "/tmp" in COMPOSE["services"][name]["volumes"]
        assert "tmpfs" not in COMPOSE["services"][name]


def test_nothing_but_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]


def test_ports_and_probes_are_those_of_the_server() -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    port = re.search(r'"--port", "(\d+)"', image)
    assert port is not None
    proxy = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
    assert re.findall(r"reverse_proxy (.*) \{", proxy) == [" ".join(f"{name}:{port[1]}" for name in SERVERS)]
    ports = {one["name"]: str(one["containerPort"]) for one in SERVER["ports"]}
    assert ports == {"http": port[1], "metrics": MANIFESTS["ConfigMap"]["data"]["KLAVIYO_MCP_METRICS_PORT"]}
    assert set(ports.values()) == set(re.findall(r"^EXPOSE (.*)", image, re.MULTILINE)[0].split())
    probes = {kind: SERVER[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startup": "/healthz",
        "readiness": "/readyz",
        "liveness": "/healthz",
    }
    assert re.findall(r"127\.0\.0\.1:\d+(/\w+)", image) == ["/healthz"]
    assert re.findall(r"health_uri (\S+)", proxy) == ["/readyz"]


def test_a_pod_runs_as_nobody_with_nothing_to_write_to() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert user is not None
    assert int(user[1]) == POD["securityContext"]["runAsUser"]
    assert SERVER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for name in SERVERS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_what_selects_pods_selects_those_of_the_deployment() -> None:
    labels = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        MANIFESTS["Deployment"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["Service"]["spec"]["selector"],
        MANIFESTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector == labels
    target = MANIFESTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", MANIFESTS["Deployment"]["metadata"]["name"])
    assert "replicas" not in MANIFESTS["Deployment"]["spec"], "an apply would undo what the autoscaler has decided"


@pytest.mark.parametrize("name", ["hosting.md", "security.md"])
def test_the_runbook_speaks_of_settings_and_commands_that_exist(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    assert set(re.findall(r"\bKLAVIYO_[A-Z_]+\b", text)) - {"KLAVIYO_MCP_PORT"} <= SETTINGS
    commands = {command.name for command in hosted.registered_commands}
    assert set(re.findall(r"(?:klaviyo-mcp |`)hosted ([a-z]+)", text)) <= commands
