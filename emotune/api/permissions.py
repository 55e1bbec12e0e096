"""Who may call an operation: people who are logged in, and tokens with its scope."""

from typing import Any, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

# What only the person may do, in a browser: a program that could would lend itself more than it was lent.
IN_PERSON = "in person"
# What needs nobody to be logged in.
OPEN = "open"
# What every token may do, whatever it was lent for.
ANY = "any"


class HasScope(BasePermission):
    """Let a token pass that has the scope of the operation, and a person who is logged in; admins' work is staff's."""

    message = "This may not be done."

    def has_permission(self, request: Request, view: Any) -> bool:
        if scope_of(view, str(request.method)) == OPEN:
            return True
        refusal = _refusal(request, view) if request.user.is_authenticated else self.message
        self.message = refusal or self.message
        return not refusal


def _refusal(request: Request, view: Any) -> str | None:
    """Return why somebody who is logged in may not do this; None where they may."""
    scope, token = scope_of(view, str(request.method)), cast("Any", request.auth)
    right = view.rights.get("GET" if request.method == "HEAD" else request.method)
    if scope == "admin" and not request.user.is_staff:
        return "Only people who run this site may do this."
    if right and not request.user.has_perm(right):
        return "You have not been given the right to do this. Ask another admin for it."
    if token and scope == IN_PERSON:
        return "A token may not do this. Log in and do it in person."
    if token and scope != ANY and not token.allows(scope):
        return f"This token has not the scope {scope}. Use one that has it."
    return None


def scope_of(view: Any, method: str) -> str:
    """Return the scope that a method of a view needs; HEAD needs what GET does."""
    scope: str = view.scopes.get("GET" if method == "HEAD" else method, "read")
    return scope
