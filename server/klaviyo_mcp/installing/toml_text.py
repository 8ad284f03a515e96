"""Changes to TOML that leave comments and everything else as they were."""

from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import AbstractTable

from klaviyo_mcp.installing.errors import Unreadable
from klaviyo_mcp.loose_json import is_object, mapping

TABLES = (tomlkit.TOMLDocument, AbstractTable, OutOfOrderTableProxy)


class TOMLText:
    """A TOML document as text. Raises Unreadable, with the line, where it is none."""

    def __init__(self, text: str) -> None:
        try:
            self._document = tomlkit.parse(text)
        except ParseError as error:
            raise Unreadable(str(error), error.line) from None
        except (TOMLKitError, RecursionError) as error:
            raise Unreadable(str(error), 1) from None

    @property
    def text(self) -> str:
        """As it stands now."""
        return tomlkit.dumps(self._document)

    def get(self, *place: str) -> Any:
        """What stands at a place, in plain Python; None where nothing does."""
        found: Any = self._document.unwrap()
        for key in place:
            found = mapping(found).get(key)
        return found

    def set(self, place: tuple[str, ...], value: Any) -> None:
        """Write a value at a place, with the tables that lead to it. Raises Unreadable where one is no table."""
        if self.get(*place) == value:
            return
        here: Any = self._document
        for depth, key in enumerate(place[:-1], 1):
            if key not in here:
                here[key] = tomlkit.table(is_super_table=depth < len(place) - 1 or is_object(value))
            here = here[key]
            if not isinstance(here, TABLES):
                raise Unreadable(f"{'.'.join(place[:depth])} is no table", 1)
        here[place[-1]] = value

    def remove(self, place: tuple[str, ...]) -> None:
        """Take a value or table out. Nothing happens where there is none."""
        here: Any = self._document
        for key in place[:-1]:
            if not isinstance(here, TABLES) or key not in here:
                return
            here = here[key]
        if isinstance(here, TABLES) and place[-1] in here:
            del here[place[-1]]
