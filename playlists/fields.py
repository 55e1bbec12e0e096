"""Numbers that forms of ours send as text."""

import re

from django.http import HttpRequest

from emotune.errors import InvalidInput


def whole_number(text: str) -> int:
    """Return a number that a database can hold. Raises InvalidInput."""
    try:
        number = int(text[:40])
    except ValueError:
        raise InvalidInput("A whole number was expected. Reload the page and try again.") from None
    if abs(number) >= 2**63:
        raise InvalidInput("A smaller number was expected. Reload the page and try again.")
    return number


def seconds(text: str) -> float | None:
    """Return a length of time, None where none is given. Raises InvalidInput."""
    try:
        return float(text[:40]) if text else None
    except ValueError:
        raise InvalidInput("A number of seconds was expected. Reload the page and try again.") from None


def row_of(request: HttpRequest) -> str:
    """Return the number of the row that a form stood in, "" where its list holds no track twice."""
    row = request.POST.get("row", "")
    return row if re.fullmatch(r"\d{1,3}", row, re.ASCII) else ""
