"""What a call gives to a program: the answer with its records, what would be done and waits for a yes, actions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from klaviyo_mcp.answers.held import question
from klaviyo_mcp.answers.shape import Answer as Shaped
from klaviyo_mcp.loose_json import JSON, items, mapping, objects
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.tool_schema import listed_schema
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.toolkit.errors import CallError, error_of
from klaviyo_mcp.toolkit.plain import plain


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call would do.

    `does` are sentences about it, `reaches` how many people would hear of it, `undo` how it is taken back, `not_known`
    what could not be found out. `question` is all of that as lines to show to a person, and `data` all as JSON, with
    the requests.
    """

    action: str
    effect: str
    does: tuple[str, ...]
    reaches: int | None
    undo: str
    not_known: tuple[str, ...]
    question: str
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Stands for one call that waits for a yes: `Klaviyo.confirm` carries it out, once, before `expires_at` (UTC)."""

    token: str
    needed_since: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call.

    `data` is all of it as JSON, `text` the same for a model, with what customers wrote in ⟦ ⟧. `action` is the name of
    the action that was called, empty where none was. `call_id` is what logs and traces name the call by,
    `account` the one that was named in it. `error` is
    what was raised, had the call not been made with `raises=False`.
    """

    action: str
    data: dict[str, Any]
    text: str
    summary: str
    call_id: str = ""
    account: str | None = None
    error: CallError | None = None
    previewed: bool = field(default=False, repr=False)
    rows_at: str = field(default="", repr=False)

    @property
    def done(self) -> bool:
        """Whether the call was carried out. False for an error, a preview, and a call that waits for `confirmation`."""
        return self.error is None and not self.previewed and self.data.get("done") is not False

    @property
    def confirmation(self) -> Confirmation | None:
        """What carries out a call that was held back; None for one that needs no yes."""
        found = mapping(self.data.get("confirmation"))
        if not found:
            return None
        return Confirmation(
            str(found["token"]), str(found["needed_since"]), datetime.fromisoformat(str(found["expires_at"]))
        )

    @property
    def plan(self) -> Plan | None:
        """What the call would do, where it was held back or previewed."""
        return plan_of(self.data) if "does" in self.data and "effect" in self.data else None

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records, flat: those of a list, or the one that the answer is about."""
        if "records" in self.data:
            return objects(self.data["records"])
        return [self.record] if self.record else []

    @property
    def record(self) -> dict[str, Any] | None:
        """The one record that the answer is about, such as the one that was made; None for a list."""
        return mapping(self.data.get("record")) or None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a report."""
        return objects(mapping(self.data.get("record")).get(self.rows_at))

    @property
    def ids(self) -> list[str]:
        """The ids of the records, also where the answer has nothing but those."""
        found = items(self.data.get("ids")) or [record["id"] for record in self.records if "id" in record]
        return [str(one) for one in found]

    @property
    def each(self) -> list[dict[str, Any]]:
        """What the answer has several of: rows of a report, records, or ids as records of nothing else."""
        return self.rows or self.records or [{"id": one} for one in self.ids]

    @property
    def goes_on(self) -> dict[str, Any] | None:
        """The arguments that the same action is called with for what comes after; None after the last."""
        return {"cursor": self.next_cursor} if self.next_cursor else None

    @property
    def next_cursor(self) -> str | None:
        """Goes on with the records after these: call again with `cursor` alone. None after the last."""
        return self.data.get("next_cursor")

    @property
    def answer_id(self) -> str | None:
        """What `Klaviyo.read_more` goes through, where not all that was read is here."""
        return self.data.get("answer_id")

    @property
    def warnings(self) -> list[str]:
        """What to know before this is relied on."""
        return [str(one) for one in items(self.data.get("warnings"))]


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """An action: what it does and how strong it is (`read`, `write`, `destructive`); `schema` is of its arguments."""

    name: str
    title: str
    summary: str
    effect: str
    toolset: str
    required: tuple[str, ...]
    scopes: tuple[str, ...]
    schema: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The actions that a question is about, the likeliest first; with a warning where probably none does it."""

    actions: Sequence[ActionInfo]
    probably_none: bool
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """A connected account. The default is meant by a call that names none."""

    name: str
    is_default: bool


def answer_of(response: Response, registry: Registry, account: str | None, *, previewed: bool = False) -> Answer:
    """What a program gets of an answer to a call for an account."""
    action = registry.get(response.action) if response.action else None
    return Answer(
        action.name if action else "",
        plain(response.answer.data),
        str(response.text),
        str(response.answer.summary),
        response.call_id,
        account,
        error_of(response) if response.is_error else None,
        previewed,
        (action.spec.result.rows or "") if action else "",
    )


def plan_of(shown: JSON) -> Plan:
    """What an answer shows of a call that has not been made."""
    data = plain(shown)
    return Plan(
        str(data["action"]),
        str(data["effect"]),
        tuple(map(str, items(data.get("does")))),
        data.get("reaches"),
        str(data.get("undo", "")),
        tuple(map(str, items(data.get("not_known")))),
        question(Shaped(shown, "")),
        data,
    )


def info_of(action: Action, registry: Registry) -> ActionInfo:
    """An action as a program sees it."""
    spec = action.spec
    return ActionInfo(
        registry.names.listed(spec.name),
        spec.title,
        spec.summary,
        action.effect,
        spec.toolset,
        tuple(spec.required),
        tuple(spec.scopes),
        listed_schema(spec),
    )
