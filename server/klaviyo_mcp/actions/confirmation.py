"""Plans that wait for a yes: the token that stands for one, and that it is used once, in time, for nothing else.

A token holds when it ends, a number of its own, and what the account was like when the plan was shown, signed together
with the account and the call. It says nothing that its bearer did not ask for. Whoever has the call and the account can
check it, so that another process can confirm what this one showed; that it is used once, processes know together
where they share a `Spent`.
"""

import base64
import hashlib
import hmac
import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from time import time
from typing import Protocol

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import Confirm, Effect

LIFE = 600
"""Seconds in which a plan can be confirmed."""
MARK = "confirm1"
MOST_HELD = 200
LONGEST = 200
SIGNATURE_BYTES = 16


class NotConfirmed(ActionError):
    """A plan that has to be confirmed was not; nothing was sent."""

    code = "not_confirmed"
    advice = "Call the action again to see what it would do, show that to the user, and confirm it if they agree."


class WrongConfirmation(ActionError):
    """A token that confirms nothing, or something else; nothing was sent."""

    code = "wrong_confirmation"
    advice = "Call the action again to see what it would do now, and confirm that."


class Declined(ActionError):
    """A person was asked and did not agree; nothing was sent."""

    code = "declined"
    advice = "Do not call it again unless the user asks for it; ask what they want instead."


def needs_confirmation(confirm: Confirm, effect: Effect) -> bool:
    """Whether a call of this effect waits for a yes."""
    return effect == "destructive" if confirm == "destructive" else effect != "read" and confirm == "writes"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as it was made, by the action's own name, and what was found of what must stay the same."""

    action: str
    arguments: JSON
    same: JSON


@dataclass(frozen=True, slots=True)
class Pledge:
    """A token, and until when it holds, in seconds since 1970."""

    token: str
    expires: int


class Spent(Protocol):
    """Which confirmations have been used."""

    async def spend(self, number: str, seconds: float) -> bool:
        """Note that one is used, for so many seconds; False when it was before. Raises WrongConfirmation."""
        ...


class SpentHere:
    """What was used in this process."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._until: dict[str, float] = {}

    async def spend(self, number: str, seconds: float) -> bool:
        """Nobody else can come between, as nothing is waited for."""
        now = time()
        self._until = {one: until for one, until in self._until.items() if until > now}
        if number in self._until:
            return False
        self._until[number] = now + seconds
        return True


class Confirmations:
    """The plans of a server that wait for a yes."""

    def __init__(self, confirm: Confirm = "never", spent: Spent | None = None) -> None:
        """`confirm` says which calls wait."""
        self.confirm: Confirm = confirm
        self._spent = spent or SpentHere()
        self._held: OrderedDict[str, tuple[Asked, str, bytes]] = OrderedDict()

    def needed(self, effect: Effect) -> bool:
        """Whether a call of this effect waits for a yes."""
        return needs_confirmation(self.confirm, effect)

    def hold(self, asked: Asked, account: str, key: bytes) -> Pledge:
        """A token for a call that was shown. `key` is a secret of the account."""
        number, expires = os.urandom(6).hex(), int(time()) + LIFE
        body = f"{MARK}.{expires:x}.{number}.{_digest(asked.same)}"
        pledge = Pledge(f"{body}.{_signature(body, asked, account, key)}", expires)
        self._held[pledge.token] = (asked, account, key)
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        return pledge

    def asked(self, token: str, action: str | None, arguments: JSON | None, account: str, key: bytes) -> Asked:
        """The call that a token is said to be for, as this process knows it, or as it was repeated beside the token.

        What was shown for another account is not known here: its arguments are nobody else's. Raises WrongConfirmation
        for one that is not whole or has ended, or where nothing says what it is for.
        """
        _, _, _, expires = _parts(token)
        if expires < time():
            raise WrongConfirmation(f"The confirmation has ended: one holds for {LIFE // 60} minutes.")
        held, *whose = self._held.get(token, (None,))
        if whose != [account, key]:
            held = None
        if action is None:
            if held is None:
                raise WrongConfirmation(
                    "This process does not know what the token is for: repeat action and arguments beside it, exactly "
                    "as they were."
                )
            return held
        repeated = Asked(action, arguments or {}, held.same if held else {})
        if held is not None and (held.action, _digest(held.arguments)) != (action, _digest(repeated.arguments)):
            raise WrongConfirmation("The token is for another call: action or arguments are not those that were shown.")
        return held or repeated

    async def use(self, token: str, asked: Asked, same: JSON, account: str, key: bytes) -> None:
        """Take a token for a call whose account is as `same` says now. Raises WrongConfirmation, and takes it but once.

        The one that was shown is told apart from one that was altered, or was made for something else.
        """
        body, number, shown, expires = _parts(token)
        signature = token.rpartition(".")[2]
        if not hmac.compare_digest(signature, _signature(body, asked, account, key)):
            raise WrongConfirmation(
                "The token is not for this call and this account, or was altered: copy it exactly as it was given."
            )
        if shown != _digest(same):
            raise _changed(asked.same, same)
        if not await self._spent.spend(number, expires - time() + 1):
            raise WrongConfirmation("The token has been used: one plan is confirmed once.")


def check_unchanged(before: JSON, now: JSON) -> None:
    """Raises WrongConfirmation with the difference."""
    if before != now:
        raise _changed(before, now)


def _parts(token: str) -> tuple[str, str, str, int]:
    """What is signed, the number, the state and the end. Raises WrongConfirmation."""
    match token[:LONGEST].split("."):
        case [mark, expires, number, same, _] if mark == MARK:
            try:
                return token.rpartition(".")[0], number, same, int(expires, 16)
            except ValueError:
                pass
        case _:
            pass
    raise WrongConfirmation("This is no confirmation: copy the token exactly as it was given.")


def _changed(before: JSON, now: JSON) -> WrongConfirmation:
    differ = [name for name in now if before.get(name) != now[name]] if before else []
    told = "; ".join(f"{name} was {_short(before.get(name))} and is {_short(now[name])}" for name in differ)
    return WrongConfirmation(f"What the call would do has changed since it was shown{f': {told}' if told else ''}.")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return _text(hashlib.sha256(text.encode()).digest()[:9])


def _signature(body: str, asked: Asked, account: str, key: bytes) -> str:
    arguments = json.dumps(asked.arguments, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    signed = json.dumps([body, account, asked.action, arguments])
    secret = hmac.digest(key, b"klaviyo-mcp confirmations", hashlib.sha256)
    return _text(hmac.digest(secret, signed.encode(), hashlib.sha256)[:SIGNATURE_BYTES])


def _text(data: bytes) -> str:
    # Only compared, never read back; letters and digits alone are copied without a slip.
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode().replace("-", "0").replace("_", "1")
