"""An answer made so that it can be written: as UTF-8 JSON, which some texts, numbers and depths cannot."""

import json

from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.documents import is_deeper, without_halves

DEEPEST = 200
"""Levels of an answer; what serialises it ends at 255, and wraps it in a few of its own."""


def sendable(answer: Answer) -> Answer:
    """The answer with whatever no encoding has replaced. Raises ValueError for one that cannot be written at all."""
    if is_deeper(answer.data, DEEPEST):
        raise ValueError("nested too deep")
    try:
        json.dumps([answer.summary, answer.data], ensure_ascii=False, allow_nan=False).encode()
    except ValueError:  # UnicodeEncodeError is one
        answer = Answer(without_halves(answer.data), without_halves(answer.summary))
        json.dumps([answer.summary, answer.data], ensure_ascii=False, allow_nan=False).encode()
    return answer
