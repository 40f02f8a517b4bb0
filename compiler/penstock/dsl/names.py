"""What may be a name: a label that is safe in paths, records and every target."""

from __future__ import annotations

import re
from typing import TypeGuard

_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def is_label(name: object) -> TypeGuard[str]:
    """Whether the name is a label: letters, digits, `_`, `-`, `.`; 128 characters at most."""
    return isinstance(name, str) and _LABEL.fullmatch(name) is not None
