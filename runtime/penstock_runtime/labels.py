"""Names that may become part of a path."""

import re

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,200}")
_NAME = re.compile(r"\w[\w.-]{0,199}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_label(text: object) -> bool:
    """Whether text may name a step, and so a folder of the store."""
    return isinstance(text, str) and _LABEL.fullmatch(text) is not None and text not in (".", "..")


def is_name(text: object) -> bool:
    """Whether text may name an input, or a part of an output such as `value.auc`."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_digest(text: object) -> bool:
    """Whether text is a digest as penstock writes it: `sha256:` and 64 lower-case hex digits."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None
