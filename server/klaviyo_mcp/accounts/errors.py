"""What can be wrong with an account before a request is sent, as one tree. All are NotSent: nothing left this machine.

AccountProblem
├── NoAccount               nothing is connected
├── UnknownAccount          no connection has this name
├── AmbiguousAccount        several are connected, none is the default, and none was named
├── NameTaken               the name belongs to another company's account
├── NotRevoked              Klaviyo could not be told that a grant is given back
├── OtherServer             the connection is to another server than the settings say
├── ReconnectNeeded         Klaviyo no longer accepts the grant: a person has to consent again
├── RefreshFailing          the token endpoint could not be used just now; `retry_at`
└── VaultProblem            the place where credentials are kept
    ├── VaultUnavailable    it cannot be reached or read at the moment
    ├── VaultReadOnly       it cannot be written
    ├── VaultKeyMissing     there is no key to open it with
    └── CorruptRecord       one record cannot be read; the others can
"""

from collections.abc import Sequence

from klaviyo_mcp.klaviyo.errors import NotSent


class AccountProblem(NotSent):
    """Base of everything that keeps an account from being used."""

    code = "account_problem"


class NoAccount(AccountProblem):
    """No account is connected."""

    code = "no_account"
    advice = (
        "A person has to run 'klaviyo-mcp connect' on the machine of this server, or set KLAVIYO_API_KEY to a private "
        "key of the Klaviyo account (Settings > API keys; it starts with pk_) in this server's configuration and "
        "restart it, or start it with --sandbox to try it without an account."
    )


class UnknownAccount(AccountProblem):
    """No connection has the name that was asked for."""

    code = "unknown_account"
    advice = "Use one of the names listed; 'klaviyo-mcp accounts' shows them all, 'klaviyo-mcp connect' adds one."


def unknown_account(name: str, names: Sequence[str]) -> UnknownAccount:
    """The error for a name that is not among `names`, those that are connected."""
    there = f"there are: {', '.join(names)}" if names else "none is connected"
    return UnknownAccount(f"There is no account named {name!r}; {there}.")


class AmbiguousAccount(AccountProblem):
    """Several accounts are connected and it was not said which one is meant."""

    code = "account_needed"
    advice = "Say which account is meant: the argument 'account' of a tool, or --account NAME. Ask the user if unsure."


class NameTaken(AccountProblem):
    """The name is that of a connection to another company."""

    code = "name_taken"
    advice = "Connect it under another --name, or disconnect the other account first."


class NotRevoked(AccountProblem):
    """The grant could not be given back to Klaviyo, so it was not forgotten either."""

    code = "not_revoked"
    advice = "Try again, or forget it with --forget and remove the app at Klaviyo under Settings > Integrations."


class OtherServer(AccountProblem):
    """The connection is to another server than KLAVIYO_BASE_URL says."""

    code = "other_server"
    advice = "A person has to unset KLAVIYO_BASE_URL, or connect an account of that server under another name."


class ReconnectNeeded(AccountProblem):
    """Klaviyo does not accept the grant any more."""

    code = "reconnect_needed"
    advice = "A person has to run that command and consent once more; calling again before that cannot succeed."


class RefreshFailing(AccountProblem):
    """A new access token could not be had for a reason that may pass."""

    code = "token_refresh_failed"
    advice = "Call again at or after retry_at. 'klaviyo-mcp doctor' tells what is wrong if it stays like this."


class VaultProblem(AccountProblem):
    """Base of everything that is wrong with the place where credentials are kept."""

    code = "vault_problem"
    advice = "A person has to mend this; 'klaviyo-mcp doctor' checks it."


class VaultUnavailable(VaultProblem):
    """The vault cannot be reached, or is busy for too long."""

    code = "vault_unavailable"
    advice = "Call again in a moment. 'klaviyo-mcp doctor' checks the vault if it stays like this."


class VaultReadOnly(VaultProblem):
    """The vault cannot be written."""

    code = "vault_read_only"
    advice = (
        "Set KLAVIYO_MCP_HOME to a folder that can be written, or KLAVIYO_MCP_VAULT_URL to a Redis server, or use "
        "KLAVIYO_API_KEY, which needs no vault."
    )


class VaultKeyMissing(VaultProblem):
    """There is no usable key for the vault."""

    code = "vault_key_missing"


class CorruptRecord(VaultProblem):
    """A record is damaged, or sealed with a key that is not there any more."""

    code = "corrupt_record"
