"""An answer as text for a model: one line that says what it is, then the same data as the structured answer."""

import json
from typing import Any

from klaviyo_mcp.actions.errors import CANDIDATES
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.loose_json import mapping


def answer_text(answer: Answer) -> str:
    """The summary line and the data, whose size was bounded when it was made."""
    data = {key: value for key, value in answer.data.items() if key != "count"}
    return f"{answer.summary}\n{_json(data)}"


def error_text(answer: Answer) -> str:
    """An error as lines a model acts on: what is wrong, whether anything was changed, what to do next."""
    error = mapping(answer.data["error"])
    lines = [str(error["message"])]
    for problem in error.get("problems", []):
        if not problem.get("argument") and problem["problem"] in lines[0]:
            continue  # the message has said it
        where = f"{problem['argument']}: " if problem.get("argument") else ""
        fix = f". {problem['fix']}" if problem.get("fix") else ""
        lines.append(f"- {where}{problem['problem']}{fix}.".replace("?.", "?").replace("..", "."))
    if candidates := error.get("candidates"):
        lines.append(CANDIDATES)
        lines += [f"- {found['name']} ({found['effect']}): {found['summary']}" for found in candidates]
    lines.append(str(error["outcome"]))
    if done := error.get("done_so_far"):
        lines.append(f"Done so far: {_json(done)}")
    for key, words in (("duplicate_profile_id", "The existing profile"), ("retry_at", "Retry at")):
        if error.get(key):
            lines.append(f"{words}: {error[key]}")
    if scopes := error.get("scopes_needed"):
        lines.append(f"Scopes needed: {', '.join(scopes)}")
    if next_step := error.get("next_step"):
        lines.append(f"Next: {next_step}")
    if call_id := error.get("call_id"):
        lines.append(f"Call id: {call_id}")
    return "\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
