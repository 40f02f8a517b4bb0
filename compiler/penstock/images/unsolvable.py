"""Turns uv's explanation of a failed resolution into one line that names who is to blame."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from penstock.images.requirement_errors import CannotLock, UvFailed

_LONGEST = 300
_END = re.compile(r",? we can conclude that your requirements are unsatisfiable\.?")
_MARKER = re.compile(r"\{[^}]*\}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_DEPENDS = re.compile(r"(\S+) depends? on (\S+?)[,.]?(?=\s|$)")


def unsolvable(failure: UvFailed, requirements: Sequence[str]) -> CannotLock:
    """`requirements` are the texts among which the guilty ones are sought."""
    paragraphs = failure.words.split("\n")
    hints = [one.removeprefix("hint:").strip() for one in paragraphs if one.startswith("hint:")]
    hint = hints[0] if hints else ""
    because = [_MARKER.sub("", one) for one in paragraphs if one.startswith("Because ")]
    if because:
        words = _END.sub("", " ".join(because)).strip()
        blamed = _named(words, requirements)
        return CannotLock(_shortened(_essence(words, blamed)), blamed, hint)
    causes = [one for one in paragraphs if not one.startswith("hint:")]
    host = re.search(r"https?://([^/\s`)]+)", failure.words)
    if host and re.search(r"fetch|sending request", failure.words):
        why = _shortened(causes[-1])
        return CannotLock(f"the package index on {host[1]} cannot be reached: {why}", (), hint)
    message = _shortened(": ".join(dict.fromkeys([causes[0], causes[-1]])))
    return CannotLock(message, _named(causes[0], requirements), hint)


def _essence(words: str, blamed: Sequence[str]) -> str:
    """One line for what can be a page: uv explains every version that it has tried."""
    short = words.removeprefix("Because ")
    missing = re.match(r"(\S+) was not found in the package registry", short)
    if missing:
        return f"no package index has a package {missing[1]}"
    if "we can conclude" not in words:
        both = re.fullmatch(r"you require (\S+) and (\S+)", short)
        if both:
            return f"no version is both {both[1]} and {both[2]}"
        return re.sub(r"(\S+) and you require \1$", r"\1", short)
    asked = {_name(one): one for one in blamed}
    for who, what in _DEPENDS.findall(words):
        named = _named(what, blamed)
        if named and "".join(asked[_name(named[0])].split()) != what:
            return f"{' and '.join(blamed)} exclude each other: {who} depends on {what}"
    return re.split(r", we can conclude", short)[0]


def _named(words: str, requirements: Sequence[str]) -> tuple[str, ...]:
    names = {canonicalize_name(one) for one in _NAME.findall(re.sub(r"[<>=!~]+\S*", " ", words))}
    return tuple(one for one in requirements if _name(one) in names)


def _name(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return ""


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
