"""Free text as Python source: a docstring where that is safe, else a constant over some lines."""

from __future__ import annotations

import ast
import re

from penstock_airflow.python_text import LINE, lit

# Nothing that could end the quotes, start an escape, or break a line where Python sees none.
_HARMLESS = re.compile(r"[^\\\"\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]*")
_PIECE = re.compile(r"\S+\s*|\s+")


def docstring(text: str) -> str:
    """The text in triple quotes if it looks the same there; otherwise as a plain constant."""
    body = text.strip("\n")
    lines = body.split("\n")
    if (
        _HARMLESS.fullmatch(body)
        and body.isascii() | all(line.isprintable() for line in lines)
        and body[:1] not in ("", " ")
        and all(len(line) <= LINE - 4 and line == line.rstrip() for line in lines)
    ):
        found = f'"""{body}\n"""' if len(lines) > 1 else f'"""{body}"""'
        if ast.literal_eval(found).strip("\n") == body:
            return found
    return lit(text)  # ruff leaves a constant there in one line, whatever its length


def prose(text: str, column: int, *, indent: int = 0, suffix: str = "") -> str:
    """The text as one constant; what is longer than the line goes over several, in parentheses.

    The pieces end at spaces and line ends, so that a reader sees the paragraphs.
    """
    whole = lit(text)
    if column + len(whole) + len(suffix) <= LINE:
        return whole
    # What fits in one line of its own stays whole: ruff would join it again.
    width = LINE - indent - 4
    pieces = [whole] if len(whole) <= width else [lit(piece) for piece in _pieces(text, width)]
    if len(pieces) == 1 and len(whole) > width:
        return whole
    pad = "\n" + " " * (indent + 4)
    return "(" + "".join(pad + piece for piece in pieces) + "\n" + " " * indent + ")"


def _pieces(text: str, width: int) -> list[str]:
    pieces: list[str] = []
    current = ""
    for word in _PIECE.findall(text):
        if current and (current.endswith("\n") or len(lit(current + word)) > width):
            pieces.append(current)
            current = ""
        current += word
    return [*pieces, current] if current else pieces
