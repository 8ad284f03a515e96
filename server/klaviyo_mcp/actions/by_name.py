"""Finding the one thing that bears a name: exactly, or but for case, and none where several or none do.

Each kind is asked for the name first; where nothing bears it as it is written, a bounded part of all that there are is
looked through, once for all names of a call. What bears the name as it is written comes before what differs in case.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from klaviyo_mcp.accounts.glimpses import Glimpses
from klaviyo_mcp.actions.candidates import FINDERS, LONGEST_NAME, Finder, label
from klaviyo_mcp.actions.defaults import Look, NotFoundHere
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.formats import is_email
from klaviyo_mcp.actions.forms import listed, shown
from klaviyo_mcp.actions.settled import Sought, Thing, name_in
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, nearest
from klaviyo_mcp.registry.id_forms import ID_FORMS

MOST_SHOWN = 5
LONGEST_SHOWN = 100
"""Characters of a name that answers tell."""
LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Read:
    """The records of one read, and whether they are all there are."""

    records: tuple[JSON, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that a finder has read."""

    finder: Finder
    record: JSON

    @property
    def name(self) -> str:
        """Its name with single spaces, as names are compared."""
        return _plain(str(self.record.get(self.finder.name) or ""))

    @property
    def shown(self) -> str:
        """Its name as answers tell it."""
        return one_line(self.name, LONGEST_SHOWN)

    @property
    def line(self) -> str:
        """Its id, its name, and what tells it from others of that name."""
        return f"{self.record.get('id')} ({', '.join([self.shown, *label(self.finder, self.record)])})"


@dataclass(frozen=True, slots=True)
class ByName:
    """Finds things of one account by their names. `look` reads, and raises what that does."""

    look: Look
    glimpses: Glimpses

    async def find(self, sought: Sought) -> Thing:
        """The one thing of that kind and name. Raises NotFoundHere, with what comes near."""
        kind, given = sought
        form, name = ID_FORMS[kind], name_in(sought) or ""
        place = f"{shown(given)} stands for {form.article} {form.thing}"
        finders = FINDERS.get(kind, [])
        if not finders:
            raise NotFoundHere(f"{place}, which cannot be found by a name", f"Give the id ({form.words})")
        if not name or len(name) > LONGEST_NAME:
            raise NotFoundHere(f"{place}, and has no name that could be looked for", f"Give its {form.named} or its id")
        if form.named == "email" and not is_email(name):
            raise NotFoundHere(f"{place}, who is found by e-mail address alone", "Give the address or the id")
        try:
            return await self._found(place, name, finders)
        except (ActionError, KlaviyoError) as error:
            words = f"{place}, which could not be looked up ({error.message.rstrip('.')})"
            raise NotFoundHere(words, "Give the id itself, or try again later") from None

    async def _found(self, place: str, name: str, finders: Iterable[Finder]) -> Thing:
        asked = [one for finder in finders if finder.operator for one in (await self._read(finder, name))[0]]
        whole = True
        all_seen = asked
        same = [one for one in asked if one.name == name]
        if not same:
            for finder in finders:
                if finder.most_read != 0:
                    more, complete = await self._read(finder)
                    all_seen = [*all_seen, *more]
                    whole = whole and complete
            same = [one for one in all_seen if one.name == name]
        same = same or [one for one in all_seen if one.name.casefold() == name.casefold()]
        same = list({str(one.record.get("id")): one for one in same}.values())
        if len(same) == 1:
            return Thing(str(same[0].record.get("id")), same[0].shown)
        if same:
            lines = listed([one.line for one in same], MOST_SHOWN)
            raise NotFoundHere(f"{place}, and {len(same)} have that name", f"Give the id of one: {lines}")
        reads = " and ".join(dict.fromkeys(finder.action for finder in finders))
        verb = "list" if " and " in reads else "lists"
        limit = "" if whole else ", of those that were looked through"
        near = _near(name, all_seen)
        fix = f"Near it: {', '.join(near)}" if near else f"{reads} {verb} what there is"
        raise NotFoundHere(f"{place}, and none has that name{limit}", fix)

    async def _read(self, finder: Finder, name: str | None = None) -> tuple[list[Seen], bool]:
        """What a finder reads for a name, or for all names, and whether that is all there is."""
        arguments = finder.all_arguments if name is None else finder.arguments(name)
        key = f"by name: {finder.action} {json.dumps(arguments, sort_keys=True)}"
        kept = self.glimpses.find(key)
        if not isinstance(kept, Read):
            writes = self.glimpses.writes
            outcome = await self.look(finder.action, arguments)
            kept = Read(tuple(outcome.records), not outcome.goes_on)
            self.glimpses.keep(key, kept, writes)
        return [Seen(finder, record) for record in kept.records], kept.whole


def _near(name: str, seen: list[Seen]) -> list[str]:
    """The things whose names hold the one that was given, or are spelt much like it."""
    wanted = name.casefold()
    holding = [one for one in seen if wanted in one.name.casefold()]
    alike = nearest(wanted, {one.name.casefold() for one in seen}, most=MOST_SHOWN, likeness=LIKENESS)
    close = [one for word in alike for one in seen if one.name.casefold() == word]
    return list(dict.fromkeys(one.line for one in [*holding, *close]))[:MOST_SHOWN]


def _plain(name: str) -> str:
    return " ".join(name.split())
