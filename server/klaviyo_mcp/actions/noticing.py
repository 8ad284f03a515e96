"""What in a report is worth a look: the rules of `registry/report_rules.yaml`, held against its answer."""

import re
from typing import Any

from klaviyo_mcp.klaviyo.user_text import UserText, is_written_by_users
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.number_words import written
from klaviyo_mcp.registry.report_rules import Rule, report_rules

MOST = 3
"""How many are told."""
LONGEST_NAME = 80
HOLE = re.compile(r"\{([a-z_]+)(?:\|([a-z]+))?\}")


def noticed(report: str, answer: JSON, search: Any) -> list[JSON]:
    """The three things of greatest weight, each with the rule that found it, what it `says`, and what to do `next`.

    Those that are told alone have the least weight. `search(expression, values)` evaluates JMESPath.
    """
    told: list[JSON] = []
    for rule in report_rules().of(report):
        if rule.alone and told:
            break
        if rows := objects(search(rule.found, answer)):
            told.append({"rule": rule.name, "says": said(rule, rows[0], answer), "next": rule.next})
        if len(told) == MOST:
            break
    return told


def said(rule: Rule, row: JSON, answer: JSON) -> str:
    """The words of a rule for what it found; of people's words in them the whole is marked as theirs."""
    covers = mapping(answer.get("covers"))
    values: JSON = {"days": covers.get("days"), **row}

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if isinstance(value, str) or value is None:
            return one_line(str(value or "—"), LONGEST_NAME)
        return written(value, match[2] or "count", str(covers.get("currency") or ""))

    text = HOLE.sub(fill, rule.says)
    used = [values.get(name) for name, _ in HOLE.findall(rule.says)]
    return UserText(text) if any(isinstance(one, str) and is_written_by_users(one) for one in used) else text
