"""Text that Argo or Kubernetes would read as an instruction and replace on its way to the step.

Constants travel inside JSON arguments of the driver's and the step's containers: Argo replaces
`{{...}}` in them, Kubernetes expands `$(NAME)` and makes `$$` one `$`, at every level anew, so
that no escape survives. The variables of a container are expanded once and can be escaped.
"""

from __future__ import annotations

import json
from typing import cast

ARGO = "{{"
_REINTERPRETED = (ARGO, "$(", "$$")


def reinterpreted(value: object) -> str | None:
    """The first marker that a constant holds in one of its texts or keys; None if it is inert."""
    if isinstance(value, str):
        return next((marker for marker in _REINTERPRETED if marker in value), None)
    if isinstance(value, list):
        found = (reinterpreted(item) for item in cast(list[object], value))
    elif isinstance(value, dict):
        entries = cast(dict[str, object], value)
        found = (reinterpreted(one) for pair in entries.items() for one in pair)
    else:
        return None
    return next((marker for marker in found if marker), None)


def escaped_variable(value: str) -> str:
    """The value of an environment variable so that Kubernetes expands it to what it was."""
    return value.replace("$", "$$") if "$$" in value or "$(" in value else value


def inert_json(value: object) -> str:
    """JSON in which neither Argo nor Kubernetes finds anything to replace, whatever the keys."""
    return inert_text(json.dumps(value, separators=(", ", ": ")))


def inert_text(text: str) -> str:
    """The same for what is JSON already."""
    inside, parts = False, list[str]()
    escaped = False
    for char in text:
        if inside and not escaped and char in "{}$":
            parts.append(f"\\u{ord(char):04x}")
            continue
        if char == '"' and not escaped:
            inside = not inside
        escaped = inside and char == "\\" and not escaped
        parts.append(char)
    return "".join(parts)
