"""Whose an address is, and who is let in by it: nobody by one that they have only asked to change to."""

from allauth.account import auth_backends as allauth
from allauth.account.models import EmailAddress

from accounts.models import User


def owners_of(email: str) -> list[User]:
    """Return the people whose account has this address, or who have proven it, by one query for every address.

    Whoever only asked to change to it is none of them: it may be mistyped and somebody else's, who could otherwise set
    a new password for that account, and open none of their own.
    """
    email = User.objects.normalize_email(email)
    proven = EmailAddress.objects.filter(email=email, verified=True).values("user")
    return list(User.objects.filter(email=email).union(User.objects.filter(pk__in=proven)))


class AuthenticationBackend(allauth.AuthenticationBackend):  # type: ignore[misc]
    """allauth's, which would let people in by an address that they have only asked to change to as well."""

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        return next((user for user in owners_of(email) if self._check_password(user, password)), None)
