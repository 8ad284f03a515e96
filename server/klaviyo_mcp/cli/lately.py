"""What was read lately: ids and names of lists, segments, flows and the like, for completion of what is typed.

A small file of this person's in the folder of the accounts. People and their words are left out of it: no profile, no
event, nothing that customers wrote. Whatever goes wrong, there is nothing to complete. Imports nothing that is slow.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from klaviyo_mcp.loose_json import mapping, text

FILE = "lately.json"
MOST_OF_KIND = 200
PERSONAL = frozenset({"profile", "event", "push-token", "conversation", "conversation-message", "review"})
LONGEST = 120


def home_of(home: Path | str | None) -> Path:
    """The folder of the accounts."""
    if home:
        return Path(home).expanduser()
    from platformdirs import user_data_path  # 10 ms that a folder which is named does not cost

    return user_data_path("klaviyo-mcp", appauthor=False)


def remember(home: Path | None, account: str, kind: str, rows: Sequence[Any]) -> None:
    """Keep the ids and names of records of a kind, the newest first."""
    from klaviyo_mcp.klaviyo.user_text import UserText  # which completion does not need

    named = [(text(row.get("id")), row.get("name")) for row in map(mapping, rows)]
    seen = {id: str(name or "")[:LONGEST] for id, name in named if id and not isinstance(name, UserText)}
    if not kind or kind in PERSONAL or not seen:
        return
    folder = home_of(home)
    with suppress(OSError, ValueError):
        if not folder.is_dir():
            return  # nobody has an account here, and none is made for this
        kept = _read(folder)
        of_account = kept.setdefault(account, {})
        older = {id: name for id, name in of_account.get(kind, {}).items() if id not in seen}
        of_account[kind] = dict([*seen.items(), *older.items()][:MOST_OF_KIND])
        draft = folder / f"{FILE}.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)
        draft.replace(folder / FILE)


def seen_lately(home: Path | str | None, account: str, kinds: Sequence[str]) -> dict[str, str]:
    """The names of records of these kinds by their ids, those of all accounts where none is named."""
    with suppress(OSError, ValueError):
        kept = _read(home_of(home))
        accounts = [kept.get(account, {})] if account else list(kept.values())
        return {id: name for one in accounts for kind in kinds for id, name in one.get(kind, {}).items()}
    return {}


def _read(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    try:
        return json.loads((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
