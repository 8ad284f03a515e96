"""A model that follows a script, behind the APIs of OpenAI, Anthropic and Google, on this machine.

It answers each turn with the next call of its script, if that tool was offered, and at the end with all that its calls
were answered. It looks at nothing that a program keeps: how far it is, it sees by the results in the request.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Call = tuple[str, dict[str, Any]]
READ: tuple[Call, ...] = (
    ("find_actions", {"query": "which lists are there"}),
    ("run_read_action", {"action": "get_lists"}),
    ("run_read_action", {"action": "get_list", "arguments": {"id": "not a list"}}),
)
"""Found, run, and called with a wrong argument."""
SAID = ("run_read_action", "Newsletter", "not a list", "Nothing was sent to Klaviyo.")
"""What the answers to these hold."""


@dataclass(frozen=True)
class Api:
    """One API: what was offered and answered so far in a request, and how a call and a last word look."""

    offered: Callable[[dict[str, Any]], list[str]]
    results: Callable[[dict[str, Any]], list[Any]]
    call: Callable[[str, str, dict[str, Any]], dict[str, Any]]
    text: Callable[[str], dict[str, Any]]


def _chat(message: dict[str, Any], reason: str) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice]}


def _response(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "r1",
        "object": "response",
        "created_at": 1,
        "model": "scripted",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "status": "completed",
    }


def _message(block: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": [block],
        "stop_reason": reason,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _gemini(part: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}


def _of_type(things: list[Any], kind: str) -> list[Any]:
    return [thing for thing in things if isinstance(thing, dict) and thing.get("type") == kind]


APIS = {
    "/v1/chat/completions": Api(
        lambda asked: [tool["function"]["name"] for tool in asked["tools"]],
        lambda asked: [message["content"] for message in asked["messages"] if message["role"] == "tool"],
        lambda number, name, arguments: _chat(
            {
                "content": None,
                "tool_calls": [
                    {
                        "id": number,
                        "type": "function",
                        "function": {"name": name, "arguments": json.dumps(arguments)},
                    }
                ],
            },
            "tool_calls",
        ),
        lambda text: _chat({"content": text}, "stop"),
    ),
    "/v1/responses": Api(
        lambda asked: [tool["name"] for tool in asked["tools"]],
        lambda asked: [item["output"] for item in _of_type(asked["input"], "function_call_output")],
        lambda number, name, arguments: _response(
            {
                "type": "function_call",
                "id": f"f{number}",
                "call_id": number,
                "name": name,
                "arguments": json.dumps(arguments),
                "status": "completed",
            }
        ),
        lambda text: _response(
            {
                "type": "message",
                "id": "x1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
            }
        ),
    ),
    "/v1/messages": Api(
        lambda asked: [tool["name"] for tool in asked["tools"]],
        lambda asked: [
            block["content"]
            for message in asked["messages"]
            if isinstance(message["content"], list)
            for block in _of_type(message["content"], "tool_result")
        ],
        lambda number, name, arguments: _message(
            {"type": "tool_use", "id": number, "name": name, "input": arguments}, "tool_use"
        ),
        lambda text: _message({"type": "text", "text": text}, "end_turn"),
    ),
    "generateContent": Api(
        lambda asked: [one["name"] for tool in asked["tools"] for one in tool["functionDeclarations"]],
        lambda asked: [
            part["functionResponse"]["response"]
            for content in asked["contents"]
            for part in content["parts"]
            if "functionResponse" in part
        ],
        lambda number, name, arguments: _gemini({"functionCall": {"id": number, "name": name, "args": arguments}}),
        lambda text: _gemini({"text": text}),
    ),
}

UNTHREADED = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "This model keeps no conversations.",
        "details": {"error_code": "thread_unsupported_request", "unsupported": ["tools"]},
    },
}
"""Has Anthropic's tool runner send the whole conversation with each turn, as it does where the API keeps none."""


@contextmanager
def scripted_model(script: tuple[Call, ...] = READ) -> Iterator[dict[str, str]]:
    """A model for as long as a `with` block lasts, which gets the environment that leads the SDKs to it."""

    class Turn(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "thread" in asked:
                self.send(400, UNTHREADED)
                return
            api = next(api for path, api in APIS.items() if path in self.path.partition("?")[0])
            results, offered = api.results(asked), api.offered(asked)
            if len(results) < len(script):
                name, arguments = script[len(results)]
                found = f"{name} was not offered, but {offered}"
                said = api.call(f"c{len(results)}", name, arguments) if name in offered else api.text(found)
            else:
                said = api.text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in results))
            self.send(200, said)

        def send(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Turn) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield {
                "ANTHROPIC_API_KEY": "none",
                "ANTHROPIC_BASE_URL": url,
                "GEMINI_API_KEY": "none",
                "GOOGLE_GEMINI_BASE_URL": url,
                "OPENAI_API_KEY": "none",
                "OPENAI_API_BASE": f"{url}/v1",
                "OPENAI_BASE_URL": f"{url}/v1",
            }
        finally:
            server.shutdown()
