"""Who may call an operation: people who are logged in, and tokens with its scope."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

# What only the person may do, in a browser: a program that could would lend itself more than it was lent.
IN_PERSON = "in person"
# What needs nobody to be logged in.
OPEN = "open"


class HasScope(BasePermission):
    """Let a token pass that has the scope of the operation, and a person who is logged in; admins' work is staff's."""

    message = "This may not be done."

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = scope_of(view, str(request.method))
        if scope == OPEN:
            return True
        if not request.user.is_authenticated:
            return False
        if scope == "admin" and not request.user.is_staff:
            self.message = "Only people who run this site may do this."
            return False
        if request.auth is None:
            return True
        if scope == IN_PERSON:
            self.message = "A token may not do this. Log in and do it in person."
            return False
        self.message = f"This token has not the scope {scope}. Use one that has it."
        token: Any = request.auth
        return bool(token.allows(scope))


def scope_of(view: Any, method: str) -> str:
    """Return the scope that a method of a view needs; HEAD needs what GET does."""
    scope: str = view.scopes.get("GET" if method == "HEAD" else method, "read")
    return scope
