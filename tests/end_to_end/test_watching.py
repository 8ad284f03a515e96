"""What can be seen of a running server: a line and a span per call, measurements, and nothing of what was asked."""

import base64
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.telemetry import Collector
from tests.warm import PROGRAM

from klaviyo_sandbox import API_KEY

MARK = "mArKeD"
SERVE = [*PROGRAM[1:], "serve", "--expose", "all"]
CALL_ID = re.compile(r"[0-9a-f]{12}")


class Watching(Collector):
    """Reads what it took."""

    @property
    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/traces"]
        scopes = [scope for one in requests for resource in one.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    @property
    def points(self) -> dict[str, list[Any]]:
        """The last points of each measurement."""
        found: dict[str, list[Any]] = {}
        requests = [ExportMetricsServiceRequest.FromString(b) for path, b in self.bodies if path == "/v1/metrics"]
        for scope in (s for one in requests for resource in one.resource_metrics for s in resource.scope_metrics):
            for metric in scope.metrics:
                found[metric.name] = list(getattr(metric, metric.WhichOneof("data")).data_points)
        return found


@pytest.fixture
def collector() -> Iterator[Watching]:
    made = Watching()
    with made.running():
        yield made


def said(record: Any) -> dict[str, Any]:
    """The attributes of a span or point."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in record.attributes}


@pytest.fixture
def connect(environment, tmp_path):
    """`async with connect("--log-level", "info", NAME="value") as client`; `connect.log` is what came on stderr."""

    class Connect:
        path = tmp_path / "stderr"

        @asynccontextmanager
        async def __call__(self, *flags: str, **more: str):
            parameters = StdioServerParameters(
                command=sys.executable, args=[*SERVE, *flags], env={**environment, **more}
            )
            with self.path.open("w") as log:
                async with Client(stdio_client(parameters, errlog=log)) as client:
                    yield client

        @property
        def log(self) -> str:
            return self.path.read_text("utf-8")

        @property
        def lines(self) -> list[dict[str, Any]]:
            return [json.loads(line) for line in self.log.splitlines()]

    return Connect()


async def test_each_call_is_a_line_whose_id_the_answer_carries(connect) -> None:
    async with connect("--log-format", "json", "--log-level", "info") as client:
        good = await client.call_tool("get_lists", {"page_size": 1, "max_records": 2})
        bad = await client.call_tool("get_list", {"id": "NOSUCH"})
        none = await client.call_tool(f"no_such_tool_{MARK}", {})
    lines = [line for line in connect.lines if line["message"] == "call"]
    assert [(line["action"], line["effect"], line["outcome"], line["requests"], line["pages"]) for line in lines] == [
        ("get_lists", "read", "ok", 2, 2),
        ("get_list", "read", "not_found", 1, 0),
        ("unknown", "none", "unknown_action", 0, 0),
    ]
    ids = [line["call_id"] for line in lines]
    assert all(CALL_ID.fullmatch(one) for one in ids)
    assert [answer.meta["klaviyo-mcp/call_id"] for answer in (good, bad, none)] == ids
    assert "call_id" not in good.structured_content
    assert bad.structured_content["error"]["call_id"] == ids[1]
    assert bad.content[0].text.endswith(f"\nCall id: {ids[1]}")
    assert {line["account"] for line in lines} == {"default"}
    assert MARK not in connect.log


async def test_stdio_is_quiet_unless_asked(connect) -> None:
    async with connect() as client:
        await client.call_tool("get_lists", {"page_size": 1})
        await client.call_tool("get_list", {"id": "NOSUCH"})
    assert connect.log == ""


async def test_the_setting_is_what_the_flag_is(connect) -> None:
    async with connect(KLAVIYO_MCP_LOG_FORMAT="json", KLAVIYO_MCP_LOG_LEVEL="debug") as client:
        await client.call_tool("get_list", {"id": "NOSUCH"})
    assert [line["message"] for line in connect.lines] == ["request", "call"]
    assert connect.lines[0]["template"] == "/api/lists/{id}"
    assert connect.lines[0]["status"] == 404


def test_every_line_is_json_where_json_is_asked_for(environment) -> None:
    words = [sys.executable, *SERVE, "--log-format", "json"]
    done = subprocess.run(
        words, input="garbage\n", capture_output=True, text=True, timeout=30, env=environment, check=False
    )
    (line,) = map(json.loads, done.stderr.splitlines())
    assert line["level"] == "warning"
    assert "no message" in line["message"]


def test_http_has_a_line_per_call_and_says_where_it_listens(environment) -> None:
    words = [sys.executable, *SERVE, "--transport", "http", "--port", "0", "--log-format", "json"]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process, ExitStack() as stack:
        assert process.stderr is not None
        stack.callback(process.kill)
        url = json.loads(process.stderr.readline())["message"].removeprefix("listening on ")
        params = {"name": "get_lists", "arguments": {"page_size": 1}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        assert httpx2.post(url, json=request, headers=headers).status_code == 200
        assert json.loads(process.stderr.readline())["action"] == "get_lists"
        process.terminate()


async def test_a_call_is_a_span_of_the_clients_trace_with_a_child_for_each_request(connect, collector) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with connect(**collector.environment) as client:
        result = await client.call_tool("get_list", {"id": "NOSUCH"}, meta={"traceparent": f"00-{trace}-{parent}-01"})
    child, call = collector.spans
    assert (call.name, call.kind) == ("tools/call get_list", 2)
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (trace, parent)
    assert said(call) == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_list",
        "error.type": "not_found",
        "klaviyo_mcp.call_id": result.meta["klaviyo-mcp/call_id"],
        "klaviyo_mcp.effect": "read",
        "klaviyo_mcp.outcome": "not_found",
        "klaviyo_mcp.requests": 1,
        "klaviyo_mcp.pages": 0,
        "klaviyo_mcp.quota.waited": 0.0,
    }
    assert (child.name, child.kind, child.parent_span_id) == ("GET /api/lists/{id}", 3, call.span_id)
    told = said(child)
    assert told.pop("server.port")
    assert told == {
        "http.request.method": "GET",
        "url.template": "/api/lists/{id}",
        "server.address": "127.0.0.1",
        "http.response.status_code": 404,
        "error.type": "404",
        "klaviyo_mcp.operation": "get_list",
    }
    assert not call.events
    assert not child.events


@pytest.mark.parametrize("meta", [{"traceparent": MARK}, {"traceparent": 5}, {"tracestate": MARK}])
async def test_a_trace_that_cannot_be_read_is_none(connect, collector, meta) -> None:
    async with connect(**collector.environment) as client:
        assert not (await client.call_tool("get_lists", {"page_size": 1}, meta=meta)).is_error
    assert [span.parent_span_id for span in collector.spans if span.name.startswith("tools/call")] == [b""]
    assert not any(MARK.encode() in body for _, body in collector.bodies)


async def test_what_was_throttled_and_what_waited_is_measured(connect, collector, sandbox) -> None:
    fault = {"operation": "get_lists", "fault": "status", "status": 429, "count": 1, "retry_after": 1}
    try:
        assert httpx2.post(f"{sandbox}/_sandbox/faults", json=[fault]).is_success
        async with connect(**collector.environment) as client:
            assert not (await client.call_tool("get_lists", {"page_size": 1})).is_error
    finally:
        httpx2.delete(f"{sandbox}/_sandbox/faults")
    refused, resent = (span for span in collector.spans if span.name == "GET /api/lists")
    requests = [said(span) for span in (refused, resent)]
    assert [span["http.response.status_code"] for span in requests] == [429, 200]
    assert [span.get("http.request.resend_count") for span in requests] == [None, 1]
    points = collector.points
    (wait,) = points["klaviyo_mcp.quota.wait"]
    # The pause counts from the answer on, and a slow machine begins to wait for its rest a while later.
    apart = (resent.start_time_unix_nano - refused.end_time_unix_nano) / 1e9
    assert apart >= 0.9
    assert 0.5 <= wait.sum <= apart + 0.1
    (calls,) = points["klaviyo_mcp.calls"]
    assert (calls.as_int, said(calls)) == (
        1,
        {"gen_ai.tool.name": "get_lists", "klaviyo_mcp.effect": "read", "klaviyo_mcp.outcome": "ok"},
    )
    statuses = {said(point)["http.response.status_code"] for point in points["http.client.request.duration"]}
    assert statuses == {200, 429}
    assert points["mcp.server.operation.duration"][0].count == 1
    assert points["klaviyo_mcp.active_calls"][0].as_int == 0


def marked(schema: dict[str, Any]) -> dict[str, Any]:
    """Arguments that hold the mark wherever a text can be given, of the right form where that is easily had."""
    given: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        kind = part.get("type")
        if "email" in name:
            given[name] = f"{MARK}@example.org"
        elif name == "account":
            continue
        elif name == "id" or name.endswith("_id") or kind == "string":
            given[name] = MARK
        elif kind == "array":
            given[name] = [f"{MARK}@example.org" if "email" in name else MARK]
        elif kind == "object":
            given[name] = {MARK: MARK}
    return given


SENT = [
    ("create_profile", {"email": f"{MARK}@example.org", "first_name": MARK, "properties": {MARK: MARK}}),
    ("get_profiles", {"filter": [{"field": "email", "operator": "equals", "value": f"{MARK}@example.org"}]}),
    ("create_list", {"name": MARK}),
    ("create_template", {"name": MARK, "editor_type": "CODE", "html": f"<p>{MARK}</p>"}),
    (
        "create_event",
        {"metric": {"name": MARK}, "profile": {"email": f"{MARK}@example.org"}, "properties": {"a": MARK}},
    ),
    ("get_list", {"id": MARK[:6]}),
    ("get_catalog_item", {"id": f"$custom:::$default:::{MARK}"}),
    ("subscribe_profiles", {"profiles": [{"email": f"{MARK}@example.org"}], "custom_source": MARK}),
    (f"get_{MARK}", {MARK: MARK}),
]
"""Calls whose marked values are taken and sent, beside all those that are made of the schemas."""


async def test_nothing_of_what_is_asked_or_answered_is_told(connect, collector, requests_seen) -> None:
    # The mark is also what Klaviyo sends back, in records, in errors, and in the ids of paths.
    async with connect("--log-level", "debug", **collector.environment) as client:
        # What goes through a kept answer calls no action.
        tools = [tool for tool in (await client.list_tools()).tools if tool.name != "read_more"]
        for name, arguments in [*SENT, *((tool.name, marked(tool.input_schema)) for tool in tools)]:
            await client.call_tool(name, arguments)
    assert len(requests_seen()) > 20
    actions = {f"tools/call {tool.name}" for tool in tools if tool.name != "preview_action"}
    assert {span.name for span in collector.spans} >= actions
    assert connect.log.count(" call action=") == len(tools) + len(SENT)
    secrets = [MARK, MARK[:6], API_KEY, base64.b64encode(MARK.encode()).decode()]
    told = [connect.log, *collector.headers, *(body.decode("latin-1") for _, body in collector.bodies)]
    for secret in secrets:
        assert not any(secret.casefold() in text.casefold() for text in told), secret
    # Nor is there any other id: every path that is told is one of a spec.
    assert not re.search(r"template=\S*\d{4}", connect.log)


async def test_prometheus_reads_a_page_behind_the_servers_token(environment, http_server) -> None:
    token = {"Authorization": "Bearer sesame"}
    asked = {**environment, "OTEL_METRICS_EXPORTER": "prometheus", "KLAVIYO_MCP_HTTP_TOKEN": "sesame"}
    with http_server(asked) as url:
        params = {"name": "get_lists", "arguments": {"page_size": 1}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {**token, "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        assert httpx2.post(f"{url}/mcp", json=request, headers=headers).status_code == 200
        assert httpx2.get(f"{url}/metrics").status_code == 401
        page = httpx2.get(f"{url}/metrics", headers=token)
    assert page.headers["Content-Type"].startswith("text/plain")
    assert re.search(
        r'klaviyo_mcp_calls_total\{.*gen_ai_tool_name="get_lists".*klaviyo_mcp_outcome="ok".*\} 1\.0', page.text
    )
    assert re.search(
        r'http_client_request_duration_seconds_count\{.*http_response_status_code="200".*\} 1\.0', page.text
    )


def test_there_is_no_page_unless_asked(environment, http_server) -> None:
    with http_server(environment) as url:
        assert httpx2.get(f"{url}/metrics").status_code == 404


def test_what_is_waiting_is_sent_when_a_signal_ends_the_server(environment, collector) -> None:
    words = [sys.executable, *SERVE, "--transport", "http", "--port", "0"]
    slow = {**environment, **collector.environment, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with subprocess.Popen(words, env=slow, stderr=subprocess.PIPE, text=True) as process, ExitStack() as stack:
        assert process.stderr is not None
        stack.callback(process.kill)
        url = process.stderr.readline().split()[-1]
        params = {"name": "get_lists", "arguments": {"page_size": 1}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        assert httpx2.post(url, json=request, headers=headers).status_code == 200
        assert not collector.spans
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert [span.name for span in collector.spans] == ["GET /api/lists", "tools/call get_lists"]
    assert collector.points["klaviyo_mcp.calls"]


def test_the_command_line_is_watched_too(command, collector) -> None:
    done = command("call", "get_lists", "--sandbox", **collector.environment, KLAVIYO_MCP_LOG_LEVEL="info")
    assert done.returncode == 0
    assert " INFO klaviyo_mcp.calls: call action=get_lists effect=read outcome=ok " in done.stderr
    assert "execute_tool get_lists" in [span.name for span in collector.spans]


def test_a_call_is_told_by_the_effect_that_it_has_with_its_arguments(command) -> None:
    words = ["--set", "id=IWUWFp", "--set", "status=live"]
    done = command("call", "update_flow", *words, "--sandbox", KLAVIYO_MCP_LOG_LEVEL="info", stdin="")
    assert " call action=update_flow effect=destructive outcome=held " in done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["call", "get_lists", "--sandbox"], {"OTEL_TRACES_EXPORTER": "jaeger"}, "'jaeger' is none of otlp"),
        (["call", "get_lists", "--sandbox"], {"OTEL_METRICS_EXPORTER": "prometheus"}, "which only 'serve"),
        (["serve"], {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "not 'grpc'"),
    ],
)
def test_a_variable_that_cannot_be_followed_is_an_error(command, words, environment, says) -> None:
    done = command(*words, **environment, stdin="")
    assert done.returncode == 2
    assert re.search(says, done.stderr)


@pytest.mark.parametrize("more", [{}, {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "console"}])
def test_nothing_of_it_is_loaded_unless_asked(environment, more) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "klaviyo_mcp", "call", "get_lists"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**environment, **more}, check=False)
    assert done.returncode == 0
    assert not re.search(r"opentelemetry\.(sdk|exporter)|klaviyo_mcp\.runtime\.telemetry", done.stderr)


async def test_an_outage_of_the_collector_is_told_and_stops_no_call(connect) -> None:
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    async with connect(**nowhere) as client:
        assert not (await client.call_tool("get_lists", {"page_size": 1})).is_error
    assert "ERROR opentelemetry" in connect.log
    assert "Traceback" not in connect.log


def test_a_write_that_is_given_up_while_it_is_under_way_is_a_warning(environment, sandbox) -> None:
    fault = {"operation": "create_list", "fault": "latency", "seconds": 2, "count": 1}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    messages = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "create_list", "arguments": {"name": MARK}}},
    ]
    words = [sys.executable, *SERVE, "--log-format", "json"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        httpx2.post(f"{sandbox}/_sandbox/faults", json=[fault])
        with subprocess.Popen(words, env=environment, text=True, **pipes) as process:
            for message in messages:
                process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
            while not httpx2.get(f"{sandbox}/_sandbox/faults").json()[0]["met"]:
                time.sleep(0.05)
            cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
            process.stdin.write(json.dumps(cancelled) + "\n")
            _, log = process.communicate(timeout=30)
    finally:
        httpx2.delete(f"{sandbox}/_sandbox/faults")
    (line,) = map(json.loads, log.splitlines())
    assert (line["level"], line["outcome"], line["action"]) == ("warning", "cancelled", "create_list")
    assert (line["effect"], line["requests"]) == ("write", 1)
