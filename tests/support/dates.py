"""Dates to translate: as people write them, and as ISO 8601 does."""

import random
from datetime import date, timedelta

FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def written_forms(day: date) -> list[str]:
    """A date as people write it: 28 November 2026, November 28, 2026, 28 Nov 2026 and 28.11.2026."""
    month = MONTHS[day.month - 1]
    return [
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month[:3]} {day.year}",
        f"{day.day}.{day.month}.{day.year}",
    ]


def date_pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Different dates, each in one of its written forms, with the same date as 2026-11-28."""
    rng = random.Random(seed)
    days = rng.sample(range((LAST - FIRST).days + 1), count)
    dates = [FIRST + timedelta(days=own) for own in days]
    return [(rng.choice(written_forms(own)), own.isoformat()) for own in dates]
