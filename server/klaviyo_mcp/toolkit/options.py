"""What a program says when it opens Klaviyo, and what that comes of it: as of a server's flags and settings."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypedDict

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.errors import SpecError
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.assembly import Application, assemble, registry_of, select
from klaviyo_mcp.runtime.exposure import ExposureError, Wanted
from klaviyo_mcp.runtime.settings import SettingsError, foreign_variables, read_settings
from klaviyo_mcp.toolkit.errors import ConfigurationError

log = logging.getLogger("klaviyo_mcp")
Names = str | Iterable[str]
"""Names and globs: in a list, or in a text with commas."""
CALLED = "klaviyo-mcp toolkit"
"""What the audit log calls a program as a client."""
SETTINGS = {
    "api_key": "klaviyo_api_key",
    "company_id": "klaviyo_company_id",
    "base_url": "klaviyo_base_url",
    "home": "klaviyo_mcp_home",
    "policy": "klaviyo_mcp_policy",
    "confirm": "klaviyo_mcp_confirm",
    "prefix": "klaviyo_mcp_prefix",
    "audit_file": "klaviyo_mcp_audit_file",
    "max_wait": "klaviyo_mcp_max_wait",
    "call_timeout": "klaviyo_mcp_call_timeout",
    "answer_tokens": "klaviyo_mcp_answer_tokens",
}
"""The setting whose value an option is, in place of that of the environment."""
SWITCHES = {
    "user_content": ("klaviyo_mcp_no_user_content", {True: "off", False: "on"}),
    "live_checks": ("klaviyo_mcp_live_checks", {True: "on", False: "off"}),
}
"""The setting that an option switches, and its values."""
WITH_SANDBOX = ("api_key", "company_id", "base_url", "home", "account")
"""Options that say where Klaviyo is and whose: a sandbox is in this process, and has one account."""
FLAG = re.compile(r"--(expose|toolsets|actions|exclude)\b")
NAMED = re.compile(r"^(KLAVIYO_[A-Z_]+)(?=:| )", re.MULTILINE)


class Options(TypedDict, total=False):
    """What may be said when Klaviyo is opened. What is not said is as the environment has it for a server.

    api_key: private API key, used instead of connected accounts. account: the connected account to use, and no other.
    sandbox: a simulated Klaviyo in this process. base_url, company_id, home: as KLAVIYO_BASE_URL and its like.
    read_only: nothing can be changed. toolsets, actions, exclude: names and globs of what can be called.
    policy: a file of rules. confirm: which calls wait for a yes. prefix: what stands before names of tools.
    user_content: False leaves out what customers wrote. live_checks: False asks no rules that read the account.
    audit_file: where changes are written down. max_wait, call_timeout: seconds. answer_tokens: of an answer to a tool.
    """

    api_key: str | None
    account: str | None
    sandbox: bool
    read_only: bool
    toolsets: Names | None
    actions: Names | None
    exclude: Names | None
    policy: str | Path | None
    confirm: Literal["destructive", "writes", "never"] | None
    user_content: bool | None
    live_checks: bool | None
    base_url: str | None
    company_id: str | None
    home: str | Path | None
    prefix: str | None
    audit_file: str | Path | None
    max_wait: float | None
    call_timeout: float | None
    answer_tokens: int | None


def application_of(options: Options) -> Application:
    """The running whole. Raises ConfigurationError, and TypeError for an option that there is not."""
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(f"there is no option {unknown[0]!r}; there are {', '.join(Options.__annotations__)}")
    said: JSON = {name: value for name, value in options.items() if value is not None}
    sandbox, account = options.get("sandbox", False), options.get("account")
    if sandbox and (beside := [name for name in WITH_SANDBOX if name in said]):
        raise ConfigurationError(f"sandbox=True goes without {', '.join(beside)}: a sandbox has its own account.")
    given = {setting: said[name] for name, setting in SETTINGS.items() if name in said}
    given |= {setting: states[said[name]] for name, (setting, states) in SWITCHES.items() if name in said}
    try:
        settings = read_settings(given)
        selection = select(
            wanted=Wanted(None, *(_joined(name, said.get(name)) for name in ("toolsets", "actions", "exclude"))),
            read_only=options.get("read_only", False),
            settings=settings,
            registry=_registry(settings.klaviyo_mcp_prefix),
        )
        made = assemble(selection, sandbox=sandbox, account=account)
    except (SettingsError, ExposureError, SpecError) as error:
        raise ConfigurationError(_in_options(str(error), given)) from None
    for foreign in foreign_variables():
        _warn_once(foreign)
    return replace(made, audit=replace(made.audit, client=CALLED) if made.audit else None)


@lru_cache
def _registry(prefix: str) -> Registry:
    """The actions, for all that this process opens: a program may do so for each of its requests."""
    return registry_of(read_settings({"klaviyo_mcp_prefix": prefix}))


@lru_cache
def _warn_once(text: str) -> None:
    log.warning(text)


def _joined(option: str, names: Names | None) -> str:
    """Names as a flag has them. One that says nothing is an error: it must not come to mean everything."""
    if names is None:
        return ""
    joined = names if isinstance(names, str) else ",".join(names)
    if not joined.strip(" ,"):
        raise ConfigurationError(f"{option} names nothing; leave it out, or name what is meant.")
    return joined


def _in_options(message: str, given: Mapping[str, object]) -> str:
    """What is said of settings and flags, of the options that stand for them here."""
    options = {setting.upper(): name for name, setting in SETTINGS.items() if setting in given}
    message = NAMED.sub(lambda found: options.get(found[1], found[1]), message)
    return FLAG.sub(lambda found: found[1], message)
