"""What may be a name: a label that is safe in paths, records and every target."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TypeGuard

_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def is_label(name: object) -> TypeGuard[str]:
    """Whether the name is a label: letters, digits, `_`, `-`, `.`; 128 characters at most."""
    return isinstance(name, str) and _LABEL.fullmatch(name) is not None


def module_of(defined: object) -> str:
    """The name under which the module of a function or class can be imported elsewhere.

    A file that is run as a program is `__main__` only here; in a notebook there is no other name.
    """
    name = str(getattr(defined, "__module__", ""))
    if name != "__main__":
        return name
    main = sys.modules[name]
    spec = getattr(main, "__spec__", None)
    if spec is not None:  # python -m package.module
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return name if not file or file.startswith("<") else Path(file).stem
