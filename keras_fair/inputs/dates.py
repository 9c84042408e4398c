"""Dates and times as text in one form, so that the texts sort as the instants do.

    '2024-06-01 14:30:00+02:00'  ->  '2024-06-01T12:30'  <  '2024-06-01T12:30:00.5'  <  '2024-06-02'

In UTC, with a four-digit year, and without parts at the end that are zero: a date is its midnight. A text is
compared whole, so no instant is rounded, whatever its resolution.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

__all__ = ["EXAMPLES", "date_text", "shortened", "text_of_date"]

EXAMPLES = "'2024-06-01' or '2024-06-01T12:30'"

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)


def date_text(text: str) -> str | None:
    """The one form of a date in ISO 8601, with or without a time; None for any other text.

    A time without an offset is in UTC.

    Example:

    >>> date_text("2024-06-01 12:30:15.50Z"), date_text("2024-06-01T00:00"), date_text("1.6.2024")
    ('2024-06-01T12:30:15.5', '2024-06-01', None)
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    *moment, fraction, sign, hours, minutes = match.groups()
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in moment)
        local = datetime(year, month, day, hour, minute, second)
        instant = local + offset if sign == "-" else local - offset
    except (ValueError, OverflowError):  # no day of the calendar, or of no year from 1 to 9999
        return None
    return shortened(f"{instant.isoformat()}.{fraction or ''}")


def text_of_date(entry: date) -> str:
    """The one form of a date or a datetime of Python or pandas; without a time zone it is in UTC."""
    if not isinstance(entry, datetime):
        return entry.isoformat()
    if entry.tzinfo is not None:
        entry = entry.astimezone(timezone.utc).replace(tzinfo=None)
    return shortened(entry.isoformat())


def shortened(text: str) -> str:
    """The one form of a date or a time in UTC, from `year-month-day[Thour:minute:second[.fraction]]`."""
    time, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{time}.{fraction}" if fraction else time.removesuffix(":00").removesuffix("T00:00")
