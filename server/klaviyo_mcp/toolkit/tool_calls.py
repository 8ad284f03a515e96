"""Calls of tools as APIs of models have them, and the replies that they want: a table of forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.loose_json import is_object, mapping
from klaviyo_mcp.runtime.answering import Response


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model has made: a tool's name, its arguments or their JSON, and how its answer is handed back."""

    name: str
    arguments: object
    reply: Callable[[Response], Any]


def read_call(call: object) -> ToolCall:
    """A call of Chat Completions, Responses, Messages or Gemini, as an object or as data. Raises TypeError."""
    kind = _of(call, "type")
    if (function := _of(call, "function")) is not None:
        return ToolCall(_of(function, "name"), _of(function, "arguments"), _chat_reply(_of(call, "id")))
    if kind == "function_call":
        return ToolCall(_of(call, "name"), _of(call, "arguments"), _response_reply(_of(call, "call_id")))
    if kind == "tool_use":
        return ToolCall(_of(call, "name"), _of(call, "input"), _message_reply(_of(call, "id")))
    if kind is None and _of(call, "name") and (is_object(call) or hasattr(call, "args")):
        return ToolCall(_of(call, "name"), _of(call, "args"), _gemini_reply(call))
    raise TypeError(
        "this is no call of a tool: give an item of tool_calls (Chat Completions), a function_call (Responses), a "
        f"tool_use block (Messages) or a function_call of a part (Gemini), not {type(call).__name__}"
    )


def _of(thing: object, name: str) -> Any:
    return mapping(thing).get(name) if is_object(thing) else getattr(thing, name, None)


def _chat_reply(number: str) -> Callable[[Response], Any]:
    return lambda response: {"role": "tool", "tool_call_id": number, "content": response.text}


def _response_reply(number: str) -> Callable[[Response], Any]:
    return lambda response: {"type": "function_call_output", "call_id": number, "output": response.text}


def _message_reply(number: str) -> Callable[[Response], Any]:
    return lambda response: {
        "type": "tool_result",
        "tool_use_id": number,
        "content": response.text,
        "is_error": response.is_error,
    }


def _gemini_reply(call: object) -> Callable[[Response], Any]:
    """A part with a `function_response`: data for data, else the SDK's own."""

    def reply(response: Response) -> Any:
        said = {"error" if response.is_error else "output": response.text}
        answer = {"name": _of(call, "name"), "response": said} | ({"id": found} if (found := _of(call, "id")) else {})
        if is_object(call):
            return {"function_response": answer}
        from google.genai.types import Part  # whoever has such a call has the SDK

        return Part.model_validate({"function_response": answer})

    return reply
