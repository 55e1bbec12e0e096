"""Moments as numbers of microseconds since 1970: they fit into an address, and a statement answers them fastest."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# The number of a column's moment by kind of database. SQLite keeps moments as text, whose fraction may be missing, and
# rounds a time with a fraction to milliseconds.
NUMBER = {
    "sqlite": "(strftime('%s', substr({0}, 1, 19)) * 1000000 + substr({0} || '.000000', 21, 6))",
    "postgresql": "(date_part('epoch', {0}) * 1000000)::bigint",
}


def number_of(moment: datetime) -> int:
    """Return the number of a moment, which must have a time zone."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(number: int) -> datetime:
    """Return the moment (UTC) of a number. Raises OverflowError for one beyond the year 9999."""
    return EPOCH + number * MICROSECOND
