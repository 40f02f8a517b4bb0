"""What a `.dockerignore` leaves out, by the rules of Docker's own builder.

Patterns are those of Go's `filepath.Match`, with `**`; they start at the folder of the file. The
last pattern that matches a path or a folder around it decides, and `!` lets it in again.
Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path


class Ignored:
    """Answers for paths relative to the folder, written with `/`."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules: list[tuple[re.Pattern[str], bool]] = []
        for line in lines:
            text = line.strip()
            if not text or line.startswith("#"):
                continue
            lets_in = text.startswith("!")
            cleaned = posixpath.normpath(text.lstrip("!").strip()).lstrip("/")
            if cleaned not in ("", "."):
                self._rules.append((re.compile(_expression(cleaned)), lets_in))

    def __contains__(self, path: str) -> bool:
        parts = path.split("/")
        around = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        ignored = False
        for rule, lets_in in self._rules:
            if ignored == lets_in and any(rule.fullmatch(one) for one in around):
                ignored = not lets_in
        return ignored


def ignored(root: Path) -> Ignored:
    """The rules of a folder; none where it has no `.dockerignore`. Raises OSError."""
    file = root / ".dockerignore"
    if not file.is_file():
        return Ignored(())
    return Ignored(file.read_text(encoding="utf-8-sig", errors="replace").splitlines())


def _expression(pattern: str) -> str:
    made, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at):
            made, at = made + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            made, at = made + ".*", at + 2
        elif char == "*":
            made, at = made + "[^/]*", at + 1
        elif char == "?":
            made, at = made + "[^/]", at + 1
        elif char == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end].replace("\\", "\\\\")
            made, at = made + f"[{inner}]", end + 1
        elif char == "\\" and at + 1 < len(pattern):
            made, at = made + re.escape(pattern[at + 1]), at + 2
        else:
            made, at = made + re.escape(char), at + 1
    return made
