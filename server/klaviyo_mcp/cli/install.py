"""`klaviyo-mcp install`: this server into the configuration of an MCP client, and out of it again."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from klaviyo_mcp.cli.options import (
    AccountOption,
    ActionsOption,
    ConfirmOption,
    ExcludeOption,
    ExposeOption,
    NoUserContentFlag,
    ReadOnlyFlag,
    SandboxFlag,
    ToolsetsOption,
)
from klaviyo_mcp.cli.output import fail, warn
from klaviyo_mcp.installing.clients import Client, Machine, client_named, clients
from klaviyo_mcp.installing.entries import KEY, Server, Text, holds_key, put, take_out, text_of
from klaviyo_mcp.installing.errors import NotInstalled, Unreadable, unreadable
from klaviyo_mcp.installing.files import ClientFile
from klaviyo_mcp.installing.starting import words as starting_words
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.runtime.settings import SettingsError, is_loopback

if TYPE_CHECKING:
    from klaviyo_mcp.accounts.vault import Vault

app = typer.Typer()
WITH_REMOVE = ("--remove", "--name", "--project", "--url", "--file", "--replace", "--dry-run")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@app.command(epilog="Example: klaviyo-mcp install cursor --dry-run")
def install(
    context: typer.Context,
    client: Annotated[
        str | None, typer.Argument(metavar="CLIENT", help="Such as claude-desktop; without it they are listed.")
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the client calls the server.")] = "klaviyo",
    project: Annotated[
        bool, typer.Option("--project", help="Into the client's file for the project in this folder, for all in it.")
    ] = False,
    url: Annotated[
        str, typer.Option(metavar="URL", help="A hosted server at this address, in place of one on this machine.")
    ] = "",
    account: AccountOption = None,
    read_only: ReadOnlyFlag = False,
    expose: ExposeOption = None,
    toolsets: ToolsetsOption = "",
    actions: ActionsOption = "",
    exclude: ExcludeOption = "",
    confirm: ConfirmOption = None,
    no_user_content: NoUserContentFlag = False,
    sandbox: SandboxFlag = False,
    uvx: Annotated[bool, typer.Option("--uvx", help="Have uvx get and start it, whatever is installed here.")] = False,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Write an API key into the client's file, where programs can read it.")
    ] = False,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="The client's file, when it is elsewhere.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the server out again.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another server of that name.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
) -> None:
    """Add this server to an MCP client: its file is changed in one place, shown as a diff, and kept beside as it was.

    Connect an account first with `klaviyo-mcp connect`: the key then stays in the vault, and in no client's file.
    """
    _check_together(context, client, remove=remove)
    if client is None:
        _list()
        return
    chosen = _chosen(client)
    flags = {
        "--account": account, "--expose": expose, "--toolsets": toolsets, "--actions": actions,
        "--exclude": exclude, "--confirm": confirm, "--read-only": read_only, "--no-user-content": no_user_content,
        "--sandbox": sandbox,
    }  # fmt: skip
    given = {flag: value for flag, value in flags.items() if value}
    _check(name, url, given, project=project, with_key=with_key, uvx=uvx)
    started = [*starting_words(uvx=uvx), "serve", *_words(given)]
    server = Server(name, url=url) if url else Server(name, started, _environment(with_key=with_key and not remove))
    try:
        path = _path(chosen, file, project=project)
        if path is None or server.entry(chosen) is None:
            _tell(chosen, server, remove=remove)
            return
        _change(chosen, server, path, _Wish(remove, replace, dry_run))
    except NotInstalled as error:
        fail(str(error), 2)
    if not remove:
        needs = None if url or sandbox or with_key else account or ""
        _advise(chosen, server, dry_run=dry_run, needs_account=needs)


def _chosen(name: str) -> Client:
    if (client := client_named(name)) is not None:
        return client
    raise typer.BadParameter(f"{name!r} is none of {', '.join(one.id for one in clients())}.", param_hint="CLIENT")


def _check_together(context: typer.Context, client: str | None, *, remove: bool) -> None:
    """Raises BadParameter for options that would do nothing beside the others."""
    sources = {
        parameter.opts[0]: context.get_parameter_source(parameter.name)
        for parameter in context.command.params
        if parameter.param_type_name == "option" and parameter.name
    }
    given = [flag for flag, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if client is None and given:
        raise typer.BadParameter(f"name the client that {given[0]} is for.", param_hint="CLIENT")
    if remove and (useless := [flag for flag in given if flag not in WITH_REMOVE]):
        raise typer.BadParameter(f"goes without {', '.join(useless)}.", param_hint="--remove")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be done with the entry."""

    remove: bool
    replace: bool
    dry_run: bool


def _change(client: Client, server: Server, path: Path, wish: _Wish) -> None:
    """Show what changes, and write it. Raises NotInstalled."""
    found = ClientFile.read(path)
    if wish.remove and found.raw is None:
        print(f"{client.name} has no server named {server.name!r}: there is no {path}.")
        return
    try:
        text = text_of(client, found.text)
        there = _edit(text, client, server, wish)
        diff = found.diff(text.text)
    except Unreadable as error:
        raise unreadable(path, error) from None
    if not there:
        print(f"{client.name} has no server named {server.name!r}: {path} is as it was.")
        return
    if not diff:
        print(f"{client.name} has this server already: {path} is as it was.")
        return
    print(diff)
    if wish.dry_run:
        print(f"\nNothing was written: this is what would change in {path}.")
        return
    has_key = not wish.remove and holds_key(text, client, server.name)
    kept = found.write(text.text, private=has_key)
    print(f"\nWrote {path}." + (f" It is kept as it was in {kept}." if kept else ""))
    if has_key:
        warn([f"an API key stands in {path}; every program that you run can read it. `klaviyo-mcp connect --api-key` "
              "keeps it sealed instead."])  # fmt: skip


def _edit(text: Text, client: Client, server: Server, wish: _Wish) -> bool:
    if wish.remove:
        return take_out(text, client, server.name, replace=wish.replace, url=server.url)
    put(text, client, server, replace=wish.replace)
    return True


def _check(name: str, url: str, given: dict[str, str | bool], *, project: bool, with_key: bool, uvx: bool) -> None:
    """Raises BadParameter for what does not go together, and ExposureError for actions that do not exist."""
    if not NAME.fullmatch(name):
        raise typer.BadParameter("use up to 40 letters, digits, - and _.", param_hint="--name")
    if url:
        _check_url(url)
        own = [*given, *(["--with-key"] if with_key else []), *(["--uvx"] if uvx else [])]
        if own:
            raise typer.BadParameter(
                f"goes without {', '.join(own)}: a hosted server decides these itself.", param_hint="--url"
            )
    if with_key and project:
        raise typer.BadParameter("goes without --project: such files are shared with others.", param_hint="--with-key")
    if chosen := {
        flag: str(value)
        for flag, value in given.items()
        if flag in ("--expose", "--toolsets", "--actions", "--exclude")
    }:
        from klaviyo_mcp.registry.loading import load_catalogue  # the others need no actions
        from klaviyo_mcp.registry.registry import Registry
        from klaviyo_mcp.runtime.exposure import Wanted, parse_exposure

        wanted = Wanted(**{flag[2:]: value for flag, value in chosen.items()})
        parse_exposure(wanted, Registry(load_catalogue()), read_only=bool(given.get("--read-only")))


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not host or not secure or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        raise typer.BadParameter(
            "needs the address of a hosted server, such as https://mcp.example.org/mcp (http on this machine only).",
            param_hint="--url",
        )


def _words(given: dict[str, str | bool]) -> list[str]:
    return [word for flag, value in given.items() for word in ([flag] if value is True else [flag, str(value)])]


def _environment(*, with_key: bool) -> dict[str, str]:
    """What the server cannot know otherwise: where the accounts are, and the key where the person insists."""
    home = os.environ.get("KLAVIYO_MCP_HOME")
    made = {"KLAVIYO_MCP_HOME": home} if home else {}
    if with_key:
        from klaviyo_mcp.cli.connect import ask_for_key, checked_key  # only where a key is asked for

        given = os.environ.get(KEY, "")
        try:
            made[KEY] = checked_key(given) if given else ask_for_key()
        except SettingsError as error:
            raise typer.BadParameter(f"{error} Nothing was written.", param_hint=KEY if given else None) from None
    return made


def _path(client: Client, file: Path | None, *, project: bool) -> Path | None:
    if file is not None:
        if client.form is None:
            raise NotInstalled(f"{client.name} has no file of servers.")
        return file.expanduser().absolute()
    if project:
        if client.project is None:
            having = ", ".join(one.id for one in clients() if one.project)
            raise NotInstalled(f"{client.name} has no file for a project. These have one: {having}.")
        return Path.cwd() / client.project
    return Machine.here().file_of(client)


def _tell(client: Client, server: Server, *, remove: bool) -> None:
    if remove:
        raise NotInstalled(f"{client.name} keeps no file that could be changed: remove the server in its own settings.")
    print(f"{client.name} keeps no file that could be changed for this. What to do:")
    for step in server.steps(client):
        print(step if step.startswith("{") else f"- {step}")


def _advise(client: Client, server: Server, *, dry_run: bool, needs_account: str | None) -> None:
    """What is left to do. `needs_account` is the account that it is for, "" for the default, None for none."""
    if not dry_run and (after := server.after(client)):
        print(f"Next: {after}")
    names = None if needs_account is None else _connected()
    if names == []:
        print(
            "No account is connected yet: klaviyo-mcp connect, or klaviyo-mcp connect --api-key, keeps one sealed here."
        )
    elif names and needs_account and needs_account not in names:
        warn([f"no account named {visible(needs_account)!r} is connected here. There are: {', '.join(names)}."])


def _connected() -> list[str] | None:
    """The names of the connected accounts; None where that cannot be said."""
    from klaviyo_mcp.cli.accounts import with_vault  # opens the vault

    async def names(vault: "Vault") -> list[str]:
        return await vault.names()

    try:
        return with_vault(names)
    except (KlaviyoError, SettingsError, OSError):
        return None  # doctor tells of it


def _list() -> None:
    machine = Machine.here()
    for client in clients():
        path = machine.file_of(client)
        where = str(path) if path else "told by hand"
        print(f"{client.id:16} {client.name:20} {'found' if machine.has(client) else '':6} {where}")
    print("\nklaviyo-mcp install CLIENT adds this server; --dry-run shows what would change.")
