"""Keeps secrets out of what is written down."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

_SHORTEST = 4


class Redactor:
    """Replaces secrets by `***` in text, also as base64, in hexadecimal, or quoted in a URL.

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


def without_secrets(value: Any, redact: Redactor) -> Any:
    """A JSON value with all its texts redacted, names included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [without_secrets(item, redact) for item in cast(Any, value)]
    if isinstance(value, dict):
        items = cast(Any, value).items()
        return {redact(name): without_secrets(item, redact) for name, item in items}
    return value


def _forms(value: str) -> set[str]:
    # Imported here: most steps have no secrets, and every millisecond counts in a container.
    import json
    from urllib.parse import quote, quote_plus

    data = value.encode("utf-8", "surrogateescape")
    forms = {value, repr(value)[1:-1], json.dumps(value)[1:-1], data.hex(), data.hex().upper()}
    forms |= {quote(data, safe=""), quote(data), quote_plus(data)} | set(_in_base64(data))
    # A key of several lines reaches a log line by line.
    return forms | {line for line in value.splitlines() if len(line) >= 2 * _SHORTEST}


def _in_base64(data: bytes) -> Iterator[str]:
    """Those characters of the coded text that tell the data alone, whatever stands around it."""
    from base64 import b64encode, urlsafe_b64encode

    for before in range(3):  # `user:secret` is coded as one: three bytes become four characters
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        for code in (b64encode, urlsafe_b64encode):
            yield code(bytes(before) + data).decode("ascii")[first:last]
