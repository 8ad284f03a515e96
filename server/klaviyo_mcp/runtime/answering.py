"""What every surface needs to answer calls: functions that never raise, whatever happens."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from klaviyo_mcp.accounts.account import Account, Accounts
from klaviyo_mcp.accounts.errors import AccountProblem
from klaviyo_mcp.actions.bounds import is_long
from klaviyo_mcp.actions.confirmation import Asked, Declined, check_unchanged
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.actions.paging import FULL_ANSWER, MOST_KEPT
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.services import FoundBeside, GoesOn
from klaviyo_mcp.answers.budget import BUDGET
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.answers.fates import BY_OUTCOME, NOT_KNOWN, NOT_SENT, NOTHING_CHANGED, Fate, fate_of
from klaviyo_mcp.answers.handles import ROOM, with_handle
from klaviyo_mcp.answers.held import held, told
from klaviyo_mcp.answers.kept_answers import KeptAnswers
from klaviyo_mcp.answers.naming import as_listed
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.answers.sending import sendable
from klaviyo_mcp.answers.shape import Answer, shape
from klaviyo_mcp.answers.text import answer_text, error_text
from klaviyo_mcp.answers.user_content import allowed
from klaviyo_mcp.klaviyo.errors import KlaviyoError, RequestOutcome
from klaviyo_mcp.klaviyo.requests import Announce
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.tool_names import CONFIRM
from klaviyo_mcp.runtime.audit import Audit, Record, error_of, token_id
from klaviyo_mcp.runtime.call_watch import CallWatch
from klaviyo_mcp.runtime.watching import UNKNOWN_ACTION, watched

log = logging.getLogger("klaviyo_mcp")
NOT_WRITTEN_DOWN = "What became of this call could not be added to the audit log; tell the user."


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a call, the same as text, and whether it is an error. All of it can be written as UTF-8 JSON.

    `call_id` finds the call in logs and traces; a preview is in none. `action` and `effect` are those of the call that
    was made, empty where none was. `meta` is for the client.
    """

    answer: Answer
    text: str
    is_error: bool = False
    call_id: str = ""
    action: str = ""
    effect: str = ""
    meta: JSON = field(default_factory=dict[str, Any])


Ask = Callable[[Answer], Awaitable[bool | None]]
"""Asks a person whether what an answer shows may be done; None where nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A token, and the call that it is for, where that is repeated; `by` says who gave it."""

    token: str
    action: str | None = None
    arguments: JSON | None = None
    by: str = "token"


@dataclass(slots=True)
class Known:
    """What is known of a call so far: said if this program itself fails later."""

    fate: Fate = NOTHING_CHANGED


async def answer_call(
    engine: Engine,
    accounts: Accounts,
    call: Call,
    name: str | None = None,
    *,
    budget: int = BUDGET,
    kept: KeptAnswers | None = None,
    listed: bool = False,
    meta: Mapping[str, Any] | None = None,
    announce: Announce | None = None,
    ask: Ask | None = None,
    only: Effect | None = None,
    audit: Audit | None = None,
) -> Response:
    """Run a call for the account of that name, or the one that is meant, and turn whatever happens into an answer.

    `budget` is how many bytes of JSON an answer may have, and `kept` where all of one is kept that has more; `listed`
    names tools as the server's list has them.
    `meta` is the `_meta` of an MCP request, None for a call that is none; `announce` is told of waits for quota. A call
    that has to be confirmed is answered with its plan and a token; where a person can be asked, `ask` does that.
    `only` refuses a call of another effect. `audit` is where the call is written down; one that should be and cannot is
    not made. Only cancellation passes through. The call is watched: see `watching`.
    """
    return await _watched_call(
        engine,
        accounts,
        call,
        name,
        Circumstances(budget, kept, listed, meta, announce, audit, only=only),
        lambda turn: _run(turn, call, ask),
    )


async def preview_call(
    engine: Engine,
    accounts: Accounts | None,
    call: Call,
    name: str | None = None,
    *,
    listed: bool = False,
    meta: Mapping[str, Any] | None = None,
    audit: Audit | None = None,
) -> Response:
    """What a call would do; nothing is changed. Without `accounts` no account is looked at."""
    if accounts is None:

        async def run(known: Known) -> Answer:
            known.fate = NOT_SENT
            return preview(engine.plan(call))

        return await responded(engine, call, run, listed=listed)
    return await _watched_call(
        engine,
        accounts,
        call,
        name,
        Circumstances(listed=listed, meta=meta, audit=audit),
        lambda turn: _shown(turn, call),
    )


async def confirm_call(
    engine: Engine,
    accounts: Accounts,
    confirmation: Confirmation,
    name: str | None = None,
    *,
    budget: int = BUDGET,
    kept: KeptAnswers | None = None,
    listed: bool = False,
    meta: Mapping[str, Any] | None = None,
    announce: Announce | None = None,
    audit: Audit | None = None,
) -> Response:
    """Carry out the call that a token stands for, if nothing has changed since it was shown."""
    action = engine.registry.get(confirmation.action) if confirmation.action else None
    name_of_action = action.name if action else confirmation.action
    try:
        whose = _whose(await accounts.find(name))
        asked = engine.confirmations.asked(confirmation.token, name_of_action, confirmation.arguments, *whose)
    except (ActionError, AccountProblem) as error:
        call = Call(name_of_action or "", confirmation.arguments)
        return await turned_down(engine, call, error, audit, confirmation, listed=listed)
    return await _watched_call(
        engine,
        accounts,
        Call(asked.action, asked.arguments),
        name,
        Circumstances(budget, kept, listed, meta, announce, audit, confirms=True),
        lambda turn: _confirmed(turn, confirmation, asked),
    )


def refused(engine: Engine, name: str, error: ActionError | AccountProblem, *, listed: bool = False) -> Response:
    """The answer to a call that is not made, before an account has been looked at."""
    answer = explain(error, name, engine.registry)
    answer = sendable(as_listed(answer, engine.registry) if listed else answer)
    return Response(answer, error_text(answer), is_error=True)


async def turned_down(
    engine: Engine,
    call: Call,
    error: ActionError | AccountProblem,
    audit: Audit | None,
    confirmation: Confirmation,
    *,
    listed: bool = False,
) -> Response:
    """The answer to a confirmation that is none, or a no, before anything was asked of Klaviyo; it is written down."""
    record = Record(audit, "", call.name, engine.registry.get(call.name), call.arguments, CONFIRM)
    record.confirmation = _given(confirmation)
    response = refused(engine, call.name or CONFIRM, error, listed=listed)
    await record.end(error_of(response.answer.data))
    return response


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a call came: see `answer_call`. One that `confirms` another goes by what is so now."""

    budget: int = BUDGET
    kept: KeptAnswers | None = None
    listed: bool = False
    meta: Mapping[str, Any] | None = None
    announce: Announce | None = None
    audit: Audit | None = None
    confirms: bool = False
    only: Effect | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """One call on its way to an answer."""

    engine: Engine
    account: Account
    plan: Plan
    circumstances: Circumstances
    known: Known
    watch: CallWatch
    record: Record


async def _watched_call(
    engine: Engine,
    accounts: Accounts,
    call: Call,
    name: str | None,
    circumstances: Circumstances,
    go_on: Callable[[_Turn], Awaitable[Answer]],
) -> Response:
    with watched(engine.registry, call.name, circumstances.meta) as watch:
        action = engine.registry.get(call.name)
        record = Record(circumstances.audit, watch.call_id, call.name, action, call.arguments)

        async def run(known: Known) -> Answer:
            account = await accounts.find(name)
            watch.account = record.account = account.name
            engine.check_can_be(call, circumstances.only)
            plan = record.plan = await engine.planned(call, account, anew=circumstances.confirms)
            watch.effect = plan.effect
            try:
                return await go_on(_Turn(engine, account, plan, circumstances, known, watch, record))
            except GoesOn as beside:
                watch.outcome = "held"
                return Answer(beside.answer, beside.says)

        try:
            response = await responded(engine, call, run, watch.call_id, listed=circumstances.listed)
        except BaseException:  # whoever made the call has gone: what became of it stands in the log alone
            await record.end({"code": "cancelled", **(NOT_KNOWN if record.begun else NOTHING_CHANGED).as_data()})
            raise
        if response.is_error:
            watch.outcome = response.answer.data["error"]["code"]
        if not await record.end(error_of(response.answer.data)) and record.begun:
            response = _with_warning(response, NOT_WRITTEN_DOWN)
        return replace(response, action=watch.action, effect=watch.effect)


async def _run(turn: _Turn, call: Call, ask: Ask | None) -> Answer:
    engine, plan = turn.engine, turn.plan
    engine.check_is(plan, turn.circumstances.only)
    if not (since := engine.waits_for(plan)):
        try:
            return await _carried_out(turn)
        except FoundBeside as beside:
            return await _found_beside(turn, beside)
    consequences = await engine.consequences(plan, turn.account, turn.circumstances.announce)
    shown = allowed(told(plan, consequences), user_content=engine.user_content)
    if ask is not None and (agreed := await ask(shown)) is not None:
        turn.record.confirmation = {"by": "person", "agreed": agreed}
        if agreed:
            # A person takes a while, too.
            now = await engine.consequences(plan, turn.account, turn.circumstances.announce, agreed=True)
            check_unchanged(consequences.same, now.same)
            return await _carried_out(turn, now)
        raise Declined(f"The person who was asked did not agree to {plan.action.name}.")
    turn.watch.outcome = "held"
    return await _held(turn, call, consequences, since)


async def _shown(turn: _Turn, call: Call) -> Answer:
    found = await turn.engine.consequences(turn.plan, turn.account, turn.circumstances.announce)
    if not (since := turn.engine.waits_for(turn.plan)):
        return told(turn.plan, found)
    return await _held(turn, call, found, since)


async def _found_beside(turn: _Turn, beside: FoundBeside) -> Answer:
    """The answer to a call that was looked up beside it, as if it had just been made: nothing is carried out."""
    engine, account, call = turn.engine, turn.account, Call(beside.action, beside.arguments)
    plan = await engine.planned(call, account)
    found = await engine.consequences(plan, account, looked=beside.found)
    if not (since := engine.waits_for(plan)):
        return told(plan, found)
    record = replace(turn.record, name=call.name, action=plan.action, arguments=call.arguments, plan=plan)
    return await _held(replace(turn, plan=plan, record=record), call, found, since)


async def _held(turn: _Turn, call: Call, found: Told, since: str) -> Answer:
    pledge = turn.engine.confirmations.hold(
        Asked(turn.plan.action.name, mapping(call.arguments), found.same), *_whose(turn.account)
    )
    await turn.record.held(found.people, pledge.token)
    return held(turn.plan, found, pledge, since)


async def _confirmed(turn: _Turn, confirmation: Confirmation, asked: Asked) -> Answer:
    turn.record.confirmation = _given(confirmation)
    found = await turn.engine.consequences(turn.plan, turn.account, turn.circumstances.announce, agreed=True)
    await turn.engine.confirmations.use(confirmation.token, asked, found.same, *_whose(turn.account))
    return await _carried_out(turn, found)


def _given(confirmation: Confirmation) -> JSON:
    return {"by": confirmation.by, "id": token_id(confirmation.token)}


def _whose(account: Account) -> tuple[str, bytes]:
    return account.name, account.cursor_key


async def _carried_out(turn: _Turn, found: Told | None = None) -> Answer:
    """Carry out a call; `found` are the consequences that were agreed to, None where nobody had to."""
    engine, plan, known = turn.engine, turn.plan, turn.known
    await turn.record.intend(found.people if found else None)
    if plan.effect != "read":
        known.fate = NOT_KNOWN
    budget, kept = turn.circumstances.budget, turn.circumstances.kept
    outcome = await engine.carry_out(
        plan,
        turn.account,
        turn.circumstances.announce,
        confirmed=found is not None,
        found=found,
        enough=MOST_KEPT if kept else max(FULL_ANSWER, budget),
    )
    known.fate = BY_OUTCOME[RequestOutcome.DONE] if outcome.wrote else NOTHING_CHANGED
    turn.record.request_ids = [reply.request_id for reply in outcome.all_replies if reply.request_id]
    turn.watch.pages = len(outcome.replies) if outcome.pages is not None else 0
    explained = await engine.explained(outcome, turn.account)
    long = is_long([reply.document for reply in outcome.replies])
    answer = await done(partial(shape, explained, budget - min(ROOM, budget // 4) if kept else budget), long=long)
    return await with_handle(answer, kept, turn.account, plan.action.name) if kept else answer


async def responded(
    engine: Engine, call: Call, run: Callable[[Known], Awaitable[Answer]], call_id: str = "", *, listed: bool = False
) -> Response:
    """What a function answers, or what it raises explained, as it is sent. Raises nothing but cancellation."""
    known = Known()
    try:
        try:
            answer, is_error = await run(known), False
        except (ActionError, KlaviyoError) as error:
            answer, is_error = _with_id(explain(error, call.name, engine.registry), call_id), True
            known.fate = fate_of(answer.data["error"])
        answer = allowed(answer, user_content=engine.user_content)
        # Written out here, so that what cannot be written is still an answer.
        answer = sendable(as_listed(answer, engine.registry) if listed else answer)
        return Response(answer, error_text(answer) if is_error else answer_text(answer), is_error, call_id)
    except Exception as error:  # noqa: BLE001 - the last line of defence: an agent must get an answer, not a traceback
        # The place is enough to mend a fault; the message could hold someone's data, so it is not logged.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.name}, line {frame.lineno}"
        name = one_line(str(call.name), 100)
        action = engine.registry.get(call.name)
        told = action.name if action else UNKNOWN_ACTION
        log.error("internal error in %s: %s in %s; call id %s", told, type(error).__name__, place, call_id or "none")
        details = {
            "code": "internal_error",
            "message": f"klaviyo-mcp failed while it worked on {name} ({type(error).__name__} in {place}).",
            **known.fate.as_data(),
            "next_step": "Read the record before you repeat a write, and tell the user to report this fault.",
        }
        answer = _with_id(Answer({"error": details}, details["message"]), call_id)
        return Response(answer, error_text(answer), is_error=True, call_id=call_id)


def _with_warning(response: Response, text: str) -> Response:
    data = response.answer.data
    if response.is_error:
        data = {"error": {**data["error"], "audit": text}}
    else:
        data = {**data, "warnings": [*items(data.get("warnings")), text]}
    return replace(response, answer=replace(response.answer, data=data), text=f"{response.text}\n{text}")


def _with_id(answer: Answer, call_id: str) -> Answer:
    """An error with the id of its call, so that a user can quote it."""
    if call_id:
        answer.data["error"]["call_id"] = call_id
    return answer
