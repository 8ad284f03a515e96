"""What the authorization server raises."""


class StoreAway(Exception):
    """The place where grants lie cannot be used just now: 503 with Retry-After, never an answer about a token.

    `retry_after` is in seconds. The message is for the log and holds no secret.
    """

    retry_after = 5
