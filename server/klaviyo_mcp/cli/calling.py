"""Calls that are typed in: made through the engine, also page after page, and printed. `call` and `shell` share it."""

from dataclasses import dataclass, replace

from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.actions.paging import MANY, MOST_KEPT
from klaviyo_mcp.answers.dotted import main_list
from klaviyo_mcp.answers.fates import fate_of
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.cli.lately import remember
from klaviyo_mcp.cli.output import drop_output, fail
from klaviyo_mcp.cli.printing import Form, chosen, print_answer, print_rows, rows_of
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.loose_json import JSON, is_object, mapping
from klaviyo_mcp.registry.model import ActionSpec, Effect
from klaviyo_mcp.runtime.answering import Ask, Response, answer_call, preview_call
from klaviyo_mcp.runtime.assembly import Application

FAILED, MISUSED, UNKNOWN, HELD, LATER, INTERRUPTED = 1, 2, 3, 4, 5, 130
"""Exit codes; docs/cli.md tells what each means."""
MISUSES = ("no_account", "unknown_account", "account_needed")


@dataclass(frozen=True, slots=True)
class Typed:
    """One call as it was typed: how its answer is printed, and how far it goes."""

    call: Call
    form: Form
    fields: tuple[str, ...] = ()
    every: bool = False
    preview: bool = False
    account: str | None = None
    """The account that it is for, where there are several and none was chosen for all calls."""

    @property
    def rows_wanted(self) -> bool:
        """Whether whoever gets the answer has room for all that one call reads."""
        return self.every or self.form in ("table", "csv", "jsonl")


class NoPages(ValueError):
    """All pages are wanted of something that has none."""


def prepared(typed: Typed, spec: ActionSpec | None) -> Typed:
    """The call with the fields and the size of pages that are asked for otherwise. Raises NoPages."""
    given = typed.call.arguments
    if spec is None or not is_object(given):
        return typed
    more: JSON = {}
    if typed.fields and "fields" in spec.properties and not given.get("fields"):
        more["fields"] = list(typed.fields)
    if typed.every:
        if spec.effect != "read" or "cursor" not in spec.properties:
            raise NoPages(f"--all goes with what is read in pages, and {spec.name} is not.")
        if "max_records" in spec.properties and not given.keys() & {"max_records", "page_size"}:
            most = mapping(spec.properties["max_records"]).get("maximum")
            more["max_records"] = min(MANY, most) if isinstance(most, int) else MANY
    return replace(typed, call=replace(typed.call, arguments={**given, **more}))


async def made(
    application: Application, typed: Typed, *, client: str, ask: Ask | None, only: Effect | None = None
) -> Response:
    """The answer to a call, whatever happens; with all pages that follow, where they are wanted."""
    engine, accounts = application.engine, application.accounts
    audit = replace(application.audit, client=client) if application.audit else None
    if typed.preview:
        return await preview_call(
            engine, accounts if application.connected else None, typed.call, typed.account, audit=audit
        )
    budget = MOST_KEPT if typed.rows_wanted else application.settings.answer_bytes

    async def one(call: Call) -> Response:
        return await answer_call(engine, accounts, call, typed.account, budget=budget, ask=ask, only=only, audit=audit)

    response = await one(typed.call)
    if not typed.every or response.is_error:
        return response
    if typed.form == "jsonl":
        print_rows(chosen(rows_of(response.answer.data), typed.fields), "jsonl")
    whole = response.answer.data
    while cursor := response.answer.data.get("next_cursor"):
        response = await one(replace(typed.call, arguments={"cursor": cursor}))
        if response.is_error:
            return _broken_off(response, whole.get("count", 0), printed=typed.form == "jsonl")
        if typed.form == "jsonl":
            print_rows(chosen(rows_of(response.answer.data), typed.fields), "jsonl")
        whole = _joined(whole, response.answer.data, keep=typed.form != "jsonl")
    count = whole["count"]
    whole = {key: value for key, value in whole.items() if key not in ("next_cursor", "left_out")}
    return replace(response, answer=Answer(whole, f"{count:,} in all."), text=f"{count:,} in all.")


def _printed(response: Response, typed: Typed) -> None:
    """Print the answer to a call: an error as JSON alone, as its words go to stderr."""
    answer = response.answer
    form = typed.form
    if response.is_error:
        if form == "json":
            print_answer(answer.data, "json", text="", summary="")
        return
    if typed.every and form == "jsonl":
        return
    if form == "text" and typed.every:
        form = "table"
    waits = answer.data.get("done") is False
    if (typed.preview or waits) and form != "text":
        form = "json"
    print_answer(answer.data, form, text=response.text, summary=answer.summary, fields=typed.fields)


def shown(application: Application, response: Response, typed: Typed) -> None:
    """Print the answer to a call; where stdout cannot take it, end the command and tell what became of the call.

    Raises BrokenPipeError where nobody reads it any more.
    """
    try:
        _printed(response, typed)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        fail(f"stdout cannot take the answer ({error.strerror}). {_became(response, application, typed)}")


def exit_code(response: Response) -> int:
    """How a call ended, for scripts."""
    data = response.answer.data
    if data.get("done") is False:
        return HELD
    if not response.is_error:
        return 0
    error = mapping(data.get("error"))
    if error.get("code") in MISUSES:
        return MISUSED
    if fate_of(error).changed is None:
        return UNKNOWN
    return LATER if error.get("retry_at") else FAILED


def complaint(response: Response) -> str:
    """What is said on stderr of a call that was not carried out, empty where it was."""
    if response.answer.data.get("done") is False:
        return "Nothing was done: this has to be confirmed. Look at what it does, then add --yes."
    return visible(response.text) if response.is_error else ""


def noted(application: Application, response: Response, account: str | None) -> None:
    """Remember ids and names of what was shown, for completion."""
    action = application.engine.registry.get(response.action) if response.action else None
    if action is not None and not response.is_error:
        kind = action.spec.result.type or ""
        remember(application.settings.klaviyo_mcp_home, account or "", kind, rows_of(response.answer.data))


def stdin_left(json_given: str, sets: list[str]) -> bool:
    """Whether stdin was not read for arguments, and a person can still be asked."""
    return json_given != "-" and not any(word.endswith("=-") for word in sets)


def _joined(whole: JSON, page: JSON, *, keep: bool) -> JSON:
    """Two pages of a listing as one; without `keep` only their number."""
    name = main_list(page) or main_list(whole)
    count = whole.get("count", 0) + page.get("count", 0)
    told = [*whole.get("warnings", []), *page.get("warnings", [])]
    joined: JSON = {**whole, "count": count, **({"warnings": list(dict.fromkeys(told))} if told else {})}
    if keep and name:
        *above, last = name.split(".")
        inside, other = joined, page
        for part in above:
            inside[part] = dict(inside[part])
            inside, other = inside[part], mapping(other.get(part))
        inside[last] = [*inside.get(last, []), *other.get(last, [])]
    return joined


def _became(response: Response, application: Application, typed: Typed) -> str:
    """What became of a call whose answer nobody sees."""
    if response.is_error:
        return f"The call had failed:\n{response.text}"
    if typed.preview:
        return "Nothing was sent to Klaviyo."
    if application.engine.find(typed.call.name).effect == "read":
        return "The read had been made, and nothing was changed; call again once there is room."
    return "The action had been carried out: do not repeat it, read the record instead."


def _broken_off(response: Response, rows: int, *, printed: bool) -> Response:
    where = f"{rows:,} rows are on stdout" if printed else f"the {rows:,} rows before it are not shown"
    text = f"A later page could not be read; {where}, and this is not all.\n{response.text}"
    return replace(response, text=text)
