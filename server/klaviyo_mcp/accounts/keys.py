"""The key that seals the vault: from the OS keyring, from KLAVIYO_MCP_VAULT_KEY, or from a file with mode 0600.

A place may hold several keys, newest first, joined with commas: the first seals, all of them open. So a key can be
changed while other processes work, and a change that was interrupted can be taken up again.
"""

import base64
import os
import stat
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from klaviyo_mcp.accounts.errors import VaultKeyMissing, VaultReadOnly, VaultUnavailable

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

SERVICE = "klaviyo-mcp"
KEYRING = "the OS keyring"
SETTING = "KLAVIYO_MCP_VAULT_KEY"
MAKE_ONE = "make one with: openssl rand -base64 32"
MADE_WITHIN = 60.0
"""Seconds for which a key that another process makes is waited for: its keyring may ask its user."""


@dataclass(frozen=True, slots=True)
class Found:
    """The keys of one place, newest first. `place` is its name for people."""

    place: str
    keys: tuple[str, ...] = field(repr=False)


class VaultKeys:
    """The keys of one vault. Every method looks anew and may block: the keyring can ask its user."""

    def __init__(self, home: Path | None, setting: str | None) -> None:
        """`home` None is a vault shared by several machines, whose key can only come from `setting`."""
        self._home = home
        self._setting = setting

    def __repr__(self) -> str:
        """Never a key."""
        return "VaultKeys(…)"

    def found(self) -> list[Found]:
        """Every place that holds keys, in the order in which they count. Raises VaultKeyMissing for a bad one."""
        places: list[Found] = []
        if self._home is not None and (kept := _keyring_get(str(self._home))):
            places.append(Found(KEYRING, _split(kept, KEYRING)))
        if self._setting:
            places.append(Found(SETTING, _split(self._setting, SETTING)))
        if self._home is not None and (kept := _read_key_file(self._file)):
            places.append(Found(str(self._file), _split(kept, str(self._file))))
        return places

    def opener(self) -> "MultiFernet | None":
        """What opens with any of the keys and seals with the first, None when there is no key."""
        from cryptography.fernet import Fernet, MultiFernet  # only an opened vault needs it

        keys = [Fernet(key) for place in self.found() for key in place.keys]
        return MultiFernet(keys) if keys else None

    def first(self) -> "Fernet":
        """The key that seals. Raises VaultKeyMissing where there is none."""
        from cryptography.fernet import Fernet  # as above

        places = self.found()
        if not places:
            raise VaultKeyMissing("There is no key of the vault yet.")
        return Fernet(places[0].keys[0])

    def ensure(self) -> str:
        """Make a key when there is none, one for all who do so at once. Returns the place whose key seals."""
        places = self.found()
        if places:
            return places[0].place
        if self._home is None:
            raise VaultKeyMissing(
                f"A vault on Redis is shared by several machines, so its key has to come from {SETTING}; {MAKE_ONE}."
            )
        with _alone(self._home):
            # What another process has sealed by now could not be opened with a second key.
            if places := self.found():
                return places[0].place
            key = new_key()
            if _keyring_set(str(self._home), key):
                return KEYRING
            _write_key_file(self._file, key)
            return str(self._file)

    def begin_change(self) -> tuple[str, Callable[[], None]]:
        """Put a new key before those of the place that seals; the second result drops the older ones.

        A key from KLAVIYO_MCP_VAULT_KEY is changed by whoever sets it: NEW,OLD there makes NEW the one that seals.
        """
        place = self.ensure()
        held = next(found for found in self.found() if found.place == place)
        if place == SETTING:
            return place, lambda: None
        key = new_key()
        self._store(place, ",".join((key, *held.keys)))
        return place, lambda: self._store(place, key)

    def _store(self, place: str, text: str) -> None:
        if place != KEYRING:
            _write_key_file(self._file, text)
        elif not _keyring_set(str(self._home), text):
            raise VaultKeyMissing("The OS keyring does not take the new key; the old one stays in force.")

    @property
    def _file(self) -> Path:
        if self._home is None:
            raise ValueError("a shared vault has no key file")
        return self._home / "vault.key"


def new_key() -> str:
    """A new Fernet key: 32 random bytes, in URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@contextmanager
def _alone(home: Path) -> Generator[None]:
    """Be the one process that makes a key for this home."""
    from filelock import FileLock, Timeout  # 50 ms that only a new home costs

    lock = FileLock(home / "locks" / "_key.lock", MADE_WITHIN, mode=0o600)
    try:
        for folder in (home, home / "locks"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire()
    except Timeout:
        raise VaultUnavailable(f"Another process has been making the vault's key for {MADE_WITHIN:.0f} s.") from None
    except OSError as error:
        raise VaultReadOnly(f"No key file can be made in {home} ({error.strerror}).") from None
    try:
        yield
    finally:
        lock.release()


def _split(text: str, place: str) -> tuple[str, ...]:
    """The keys in a text, in the one alphabet Fernet takes. Raises VaultKeyMissing, without quoting it."""
    keys = tuple(part.strip().replace("+", "-").replace("/", "_") for part in text.split(",") if part.strip())
    for key in keys:
        try:
            right = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            right = False
        if not right:
            raise VaultKeyMissing(f"{place} does not hold a vault key (32 bytes in base64); {MAKE_ONE}.")
    return keys


def _keyring_get(user: str) -> str | None:
    """What the keyring holds, None when there is no keyring that works."""
    import keyring  # 30 ms that only an opened vault costs
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, user)
    except (KeyringError, OSError, RuntimeError):
        return None


def _keyring_set(user: str, text: str) -> bool:
    """Whether the keyring has taken the text: some take everything and keep nothing."""
    import keyring  # 30 ms that only an opened vault costs
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, user, text)
    except (KeyringError, OSError, RuntimeError):
        return False
    return _keyring_get(user) == text


def _read_key_file(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise VaultKeyMissing(f"The key file {path} is no plain file. Put it back, or remove it.")
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise VaultKeyMissing(f"The key file {path} cannot be read ({type(error).__name__}).") from None
    if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
        raise VaultKeyMissing(f"The key file {path} can be read by others. Close it with: chmod 600 {path}")
    return text


def _write_key_file(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner alone from the first moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".key")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise VaultReadOnly(f"The key file {path} cannot be written ({error.strerror}).") from None
