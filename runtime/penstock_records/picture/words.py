"""Text made safe to show, and how wide it will be."""

import unicodedata
from typing import Final

# Advance widths of Helvetica in 1/1000 em, for the characters from space to tilde.
# Source: Adobe's Core 14 font metrics. System fonts lie within a few percent of it.
_HELVETICA: Final = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
_OTHER: Final = 640
# Bold Helvetica is 6 % wider; the rest is room for the wider fonts of bare Linux systems.
_BOLD: Final = 1.16
_MONO: Final = 0.61
_LOST: Final = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """The text on one line; what no reader can see or XML forbids becomes U+FFFD.

    Format characters go too, since bidirectional overrides let a name pose as another.
    The joiners that emoji and Indic scripts need stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char in "\n\r\t\v\f\x85\u2028\u2029":
        return " "
    if char in "\u200c\u200d":
        return char
    if unicodedata.category(char) in {"Cc", "Cf", "Cs"} or ord(char) & 0xFFFE == 0xFFFE:
        return _LOST
    return char


def escape(text: str) -> str:
    """`clean` text for an XML attribute or element."""
    out = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return out.replace('"', "&quot;").replace("'", "&#39;")


def text_width(text: str, size: float, *, bold: bool = False, mono: bool = False) -> float:
    """Estimated width in pixels at a font size in pixels."""
    units = 0.0
    for char in text:
        code = ord(char)
        if mono:
            units += _MONO * 1000 * columns(char)
        elif 32 <= code < 127:
            units += _HELVETICA[code - 32]
        else:
            units += (0, _OTHER, 1000)[columns(char)]
    return units * size / 1000 * (_BOLD if bold else 1.0)


def shorten(text: str, room: float, size: float, *, bold: bool = False, mono: bool = False) -> str:
    """The text, or as much of it as fits `room` pixels with an ellipsis."""
    if text_width(text, size, bold=bold, mono=mono) <= room:
        return text
    room -= text_width("\u2026", size, bold=bold, mono=mono)
    kept = 0
    for char in text:
        room -= text_width(char, size, bold=bold, mono=mono)
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "\u2026"


def columns(text: str) -> int:
    """How many terminal cells the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(char) or char in "\u200c\u200d\ufe0e\ufe0f"
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )
