"""An answer as text for a model: one line that says what it is, then compact JSON within a budget."""

import json
from typing import Any, cast

from klaviyo_mcp.actions.errors import CANDIDATES
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.loose_json import JSON

TEXT_BUDGET = 40_000
"""Characters of text in one answer, about 10,000 tokens."""


def answer_text(answer: Answer, budget: int = TEXT_BUDGET) -> str:
    """The summary line and the data. Records that do not fit are left out, and the text says how to get them."""
    data = {
        key: value for key, value in answer.data.items() if key not in ("quota", "count") or _worth_saying(key, value)
    }
    text = f"{answer.summary}\n{_json(data)}"
    if len(text) <= budget:
        return text
    records = cast(list[JSON], data.get("records", []))
    if not records:
        return f"{text[:budget]}\n… cut here at {budget:,} characters; ask for fewer fields to see all of it."
    kept: list[JSON] = []
    room = budget - len(_json({**data, "records": []})) - 300
    for record in records:
        room -= len(_json(record)) + 1
        if room < 0:
            break
        kept.append(record)
    shown = _json({**data, "records": kept})
    return (
        f"{answer.summary}\n{shown}\n"
        f"… {len(records) - len(kept)} of {len(records)} records left out of this text for length. "
        "Ask for fewer fields (the *_fields arguments) or a smaller page_size to see them."
    )


def error_text(answer: Answer) -> str:
    """An error as lines a model acts on: what is wrong, whether anything was changed, what to do next."""
    error = cast(JSON, answer.data["error"])
    lines = [str(error["message"])]
    for problem in error.get("problems", []):
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
    return "\n".join(lines)


def _worth_saying(key: str, value: Any) -> bool:
    """Quota is in the structured answer always, in the text when it is a daily one or nearly used up."""
    if key != "quota":
        return False
    quota = cast(JSON, value)
    return "left_today" in quota or quota.get("left", 1) == 0


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
