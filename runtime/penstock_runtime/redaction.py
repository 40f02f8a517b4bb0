"""Keeps secrets out of what is written down."""

import re
from collections.abc import Iterable

_SHORTEST = 4


class Redactor:
    """Replaces secrets by `***` in text, also as base64 or quoted in a URL.

    Values of fewer than four characters are left: they would hide half of every text.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in values:
            if len(value) >= _SHORTEST:
                forms |= _forms(value)
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub("***", text) if self._pattern is not None else text


def _forms(value: str) -> set[str]:
    # Imported here: most steps have no secrets, and every millisecond counts in a container.
    from base64 import b64encode
    from urllib.parse import quote

    coded = b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii")
    forms = {value, quote(value, safe=""), quote(value), coded.rstrip("="), repr(value)[1:-1]}
    # A key of several lines reaches a log line by line.
    return forms | {line for line in value.splitlines() if len(line) >= 2 * _SHORTEST}
