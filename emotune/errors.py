"""Errors that are a person's business: each carries a sentence that says what to do."""

# When a part of the system does not answer, this is how many seconds later it is worth trying again.
SOON_S = 5


class EmotuneError(Exception):
    """A request that cannot be carried out. `message` is shown to whoever asked; `status` is its HTTP status.

    `retry_after` says in how many seconds it is worth trying again, where that is known.
    """

    status = 400
    retry_after: int | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(EmotuneError):
    """What was sent cannot be used as it is."""

    status = 422


class NotAllowed(EmotuneError):
    """The person has not agreed to this, or may not do it."""

    status = 403


class Gone(EmotuneError):
    """It was here once."""

    status = 410


class AccountGone(Gone):
    """The person's account was deleted after their request had begun."""

    def __init__(self) -> None:
        super().__init__("This account was deleted meanwhile. Nothing was done.")


class TooMany(EmotuneError):
    """A limit was reached."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(EmotuneError):
    """A part of the system does not answer; nothing was done and trying again later is right."""

    status = 503
    retry_after = SOON_S
