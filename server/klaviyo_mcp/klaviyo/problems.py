"""What Klaviyo says of a refusal: the entries of its `errors`, and what a 403 is about."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

About = Literal["permission", "limit", "record"]
"""What a 403 refuses. Only a permission (or a feature) is lacking for every such call: a limit passes, and a `record`
is refused where another may not be."""
LIMIT = re.compile(r"\b(daily|limits?|quota|too many|exceed\w*|maximum|at most|per day)\b", re.IGNORECASE)
"""Words of a 403 that is about how much or how often."""
PERMISSION = re.compile(
    r"\b(permissions?|scopes?|privileges?|features?|enabled?|upgrade|plan|entitle\w*|authoriz\w*|not available)\b"
    r"|\b[a-z]+(-[a-z]+)*:(read|write)\b",
    re.IGNORECASE,
)
"""Words of a 403 that is about what a key or an account may do at all."""


@dataclass(frozen=True, slots=True)
class ApiProblem:
    """One entry of the `errors` list in Klaviyo's answer. `source` is a JSON pointer or the name of a parameter."""

    code: str = ""
    title: str = ""
    detail: str = ""
    source: str = ""


def about(problems: Iterable[ApiProblem]) -> About:
    """What a 403 with these problems is about, by Klaviyo's words."""
    problems = list(problems)
    if any(LIMIT.search(f"{problem.title} {problem.detail}") for problem in problems):
        return "limit"
    permission = any(
        problem.code == "permission_denied"
        and (not (words := problem.detail or problem.title) or PERMISSION.search(words))
        for problem in problems
    )
    return "permission" if permission else "record"
