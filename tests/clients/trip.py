"""The trips: what every client is asked to do, and whether what it got back is right."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

NAME = "Bücher 漢字 🎉"
MAYA = "01K048926JKM1SXGHCJGY2SZ9W"
"""A profile that every sandbox begins with; it has an address, a phone number and custom properties."""
KEPT = ("maya.lindqvist@example.org", "+15035558146", "Loyalty tier")
LISTED = ("lina.evans@example.org", "+13035557192")
"""One of the first hundred profiles."""
EMPTY, EMPTY_NAME = "EEL3bb", "Spring pop-up (empty)"
"""A list that every sandbox begins with."""
NOTHING_SENT, NOTHING_CHANGED = "Nothing was sent to Klaviyo.", "Nothing was changed in Klaviyo."
"""What our refusals say, and no framework's: before a request, and after reads alone."""
BY_EMAIL = [{"field": "email", "operator": "equals", "value": KEPT[0]}]
BY_NAME = [{"field": "name", "operator": "equals", "value": NAME}]

Verdict = Literal["ok", "own", "none", "failed", "missing"]
"""`own`: the client refused by itself, so the server was not asked. `none`: the step makes no sense for this client.
`missing`: the trip did not come so far."""


@dataclass(frozen=True)
class Step:
    """One call, or with `method` one request of the protocol, and the parts that a right answer holds.

    `found` are arguments that are taken from the answers so far: for each a pattern whose first group is the value.
    """

    name: str
    title: str
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    found: dict[str, str] = field(default_factory=dict)
    method: str = ""
    refused: str = ""
    """The answer is a refusal of ours that says this."""
    nulls: bool = False
    """Every optional argument that is not given is sent as null, as clients with strict schemas and CrewAI do."""
    goes_on: bool = False
    """It needs what a call before it has made, so that it makes no sense where each call has a server of its own."""


@dataclass(frozen=True)
class Route:
    """A trip: how the server is started, and what is asked of it."""

    name: str
    title: str
    flags: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass
class Listing:
    """What the server lists, by the SDK's own client: the names of all tools, and for each its optional arguments."""

    tools: list[str]
    optional: dict[str, list[str]]

    def unset(self, tool: str, given: dict[str, Any]) -> dict[str, Any]:
        """Arguments with null for all that are not given."""
        return dict.fromkeys(self.optional[tool]) | given


@dataclass
class Trip:
    """What one client did over one transport."""

    route: Route
    tools: list[str] = field(default_factory=list)
    steps: dict[str, Verdict] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0

    def complete(self, listing: Listing) -> bool:
        """Whether all tools were loaded and every step is right."""
        right = all(self.steps.get(step.name) in ("ok", "own", "none") for step in self.route.steps)
        return self.tools == listing.tools and right


ALL = Route(
    "all",
    "Every action as a tool",
    ("--expose", "all"),
    (
        Step("read", "Read", "get_profiles", {"filter": BY_EMAIL, "page_size": 1, "fields": ["all"]}, KEPT),
        Step("write", "Write", "create_list", {"name": NAME}, (NAME,)),
        Step("back", "Read back", "get_lists", {"filter": BY_NAME}, (NAME,), goes_on=True),
        # Its form is ours to judge; a schema says no more than that it is text.
        Step("wrong", "Wrong argument", "get_list", {"id": "not a list"}, ("not a list",), refused=NOTHING_SENT),
        Step("null_read", "Null, read", "get_lists", {}, ("Newsletter",), nulls=True),
        Step("null_write", "Null, write", "update_profile", {"id": MAYA, "title": "VIP"}, (*KEPT, "VIP"), nulls=True),
    ),
)
DEFAULT = Route(
    "default",
    "The default: a handful of tools",
    (),
    (
        Step("find", "Find", "find_actions", {"query": "delete a list"}, ("delete_list", "run_destructive_action")),
        Step(
            "describe", "Describe", "describe_action", {"action": "delete_list"}, ("run_destructive_action", "expect")
        ),
        Step("everyday", "Everyday", "find", {"text": "Newsletter", "kinds": ["list"]}, ("Newsletter",)),
        Step(
            "run",
            "Run, read",
            "run_read_action",
            {"action": "get_profiles", "arguments": {"filter": BY_EMAIL, "page_size": 1, "fields": "all"}},
            KEPT,
        ),
        Step(
            "several",
            "Several",
            "run_read_action",
            {"calls": [{"action": "get_lists", "arguments": {"page_size": 1}}, {"action": "get_accounts"}]},
            ("Newsletter", "America/"),
        ),
        Step(
            "write",
            "Run, write",
            "run_write_action",
            {"action": "create_list", "arguments": {"name": NAME}},
            (NAME,),
        ),
        Step(
            "held",
            "Held",
            "run_destructive_action",
            {"action": "delete_list", "arguments": {"id": EMPTY}},
            ("confirm_action", EMPTY_NAME, "confirm1."),
        ),
        Step(
            "confirm",
            "Confirm",
            "confirm_action",
            {},
            ("done",),
            found={"token": r"(confirm1\.[\w.-]+)"},
            goes_on=True,
        ),
        Step(
            "gone",
            "Done",
            "run_destructive_action",
            {"action": "delete_list", "arguments": {"id": EMPTY}},
            (EMPTY,),
            refused=NOTHING_CHANGED,
            goes_on=True,
        ),
        Step(
            "wrong",
            "Wrong argument",
            "run_read_action",
            {"action": "get_list", "arguments": {"id": "not a list"}},
            ("not a list",),
            refused=NOTHING_SENT,
        ),
        Step(
            "long",
            "Long",
            "run_read_action",
            {"action": "get_profiles", "arguments": {"max_records": 100}},
            ("answer_id", LISTED[0]),
        ),
        Step(
            "more",
            "Read more",
            "read_more",
            {"where": [{"field": "email", "operator": "equals", "value": LISTED[0]}], "fields": "email, phone_number"},
            LISTED,
            found={"answer_id": r"answer_id\W+(\w{12})"},
            goes_on=True,
        ),
        Step("null", "Null", "run_read_action", {"action": "get_lists", "arguments": {}}, ("Newsletter",), nulls=True),
        Step("resources", "Resources", method="resources/list", holds=("klaviyo://guides/segments",)),
        Step("templates", "Templates", method="resources/templates/list", holds=("klaviyo://actions/{name}",)),
        Step(
            "read_resource",
            "Read resource",
            method="resources/read",
            arguments={"uri": "klaviyo://guides/segments"},
            holds=("create_segment",),
        ),
        Step("prompts", "Prompts", method="prompts/list", holds=("weekly_review",)),
        Step(
            "get_prompt",
            "Get prompt",
            method="prompts/get",
            arguments={"name": "list_hygiene", "arguments": {"list": NAME}},
            holds=(NAME,),
        ),
        Step(
            "complete",
            "Completion",
            method="completion/complete",
            arguments={
                "ref": {"type": "ref/prompt", "name": "list_hygiene"},
                "argument": {"name": "list", "value": "N"},
            },
            holds=("Newsletter",),
        ),
    ),
)
ROUTES = (ALL, DEFAULT)


def calls(route: Route, listing: Listing) -> list[dict[str, Any]]:
    """The calls of a route in the order of its steps, as drivers take them."""
    made = []
    for step in route.steps:
        if step.method:
            made.append({"method": step.method, "params": step.arguments})
            continue
        arguments = step.arguments
        if step.nulls and step.tool in listing.optional:
            arguments = listing.unset(step.tool, arguments)
        made.append({"tool": step.tool, "arguments": arguments, "found": step.found})
    return made


def judge(route: Route, lines: list[dict[str, Any]], *, alone: bool) -> tuple[dict[str, Verdict], list[str]]:
    """The verdict for each step by what the driver printed for it, and what there is to say of those that failed.

    `alone` says that each call had a server, and a sandbox, of its own.
    """
    answers = [line for line in lines if line.keys() & {"text", "error", "absent", "cannot"}]
    steps: dict[str, Verdict] = {}
    remarks = []
    for index, step in enumerate(route.steps):
        if index >= len(answers) or "absent" in answers[index]:
            steps[step.name] = "missing"
            continue
        answer = answers[index]
        if "cannot" in answer or (alone and step.goes_on):
            steps[step.name] = "none"
            continue
        said = answer.get("text") or answer.get("error") or ""
        # A refusal may come as what the framework raises; all else must be an answer.
        arrived = step.refused in said if step.refused else "text" in answer and NOTHING_SENT not in said
        if arrived and all(holds(said, part) for part in step.holds):
            steps[step.name] = "ok"
        elif step.nulls and "error" in answer and NOTHING_SENT not in said:
            steps[step.name] = "own"
            remarks.append(f"{step.title}: the client itself refuses null ({short(said)})")
        else:
            steps[step.name] = "failed"
            remarks.append(f"{step.title}: {short(said)}")
    return steps, remarks


def holds(text: str, part: str) -> bool:
    """Whether a text holds a part, as it is or as JSON writes it with ASCII alone."""
    return part in text or json.dumps(part)[1:-1] in text


def short(text: str) -> str:
    """One line of what was said."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:197]}..."
