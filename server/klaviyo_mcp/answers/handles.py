"""The id of a whole answer, beside the part of it that is shown, and what can be done with it."""

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.answers.dotted import BESIDE, lists_in, main_list
from klaviyo_mcp.answers.kept_answers import KeptAnswers
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.user_text import said
from klaviyo_mcp.loose_json import JSON, items
from klaviyo_mcp.registry.tool_names import READ_MORE

ROOM = 450
"""Bytes that what is said of a kept answer takes."""
MOST_LISTS = 3
"""Lists that are named of an answer that has several."""
NOT_KEPT = "All of this answer could not be kept to be gone through"


async def with_handle(answer: Answer, kept: KeptAnswers, account: Account, action: str) -> Answer:
    """The answer with the id of all of it, where it does not show all; with a warning where it could not be kept."""
    if answer.whole is None:
        return answer
    held = await kept.keep(account, action, answer.whole)
    if held is None:
        warning = f"{NOT_KEPT}: {kept.store.place} does not take it. What is shown is right, and its cursors go on."
        data = {**answer.data, "warnings": [*items(answer.data.get("warnings")), warning]}
        return Answer(data, answer.summary)
    number, until = held
    name = main_list(answer.whole)
    records = lists_in(answer.whole).get(name, [])
    told = f"All of it is kept until {until:%H:%M}Z: {READ_MORE} with this answer_id"
    if records:
        shown = len(lists_in(answer.data).get(name, []))
        goes_on = f"goes on with offset: {shown}, " if shown < len(records) else ""
        # An answer that is made of others has a list under a name of its own, such as events.
        what = f"The {len(records)} {'records' if '.' in name else name} that were read"
        told = (
            f"{what} are kept until {until:%H:%M}Z: {READ_MORE} with this answer_id {goes_on}filters, sorts, counts, "
            "sums and groups them without asking Klaviyo. "
            f"klaviyo://answers/{number}.csv and .jsonl have them as a file."
        )
    else:
        told += f" reads parts and lists of it without asking Klaviyo.{_lists(answer.whole)}"
    data = {"answer_id": number, "read_more": told, **answer.data}
    if "cut" in data:
        data["how_to_read_on"] = (
            f"The answer is too long to be shown whole. Read what is cut, one part at a time: {READ_MORE} with the "
            "answer_id and part: PART, as the entries of cut name it."
        )
    return Answer(data, answer.summary)


def _lists(data: JSON) -> str:
    """The lists of an answer that has several, the longest first, for the argument that says which is meant."""
    lists = {name: values for name, values in lists_in(data).items() if name not in BESIDE and values}
    longest = sorted(lists, key=lambda name: -len(lists[name]))[:MOST_LISTS]
    return f" list takes {', '.join(f'{said(name)} ({len(lists[name])})' for name in longest)}." if longest else ""
