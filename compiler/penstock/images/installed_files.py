"""What of an installed folder goes into an image, without a trace of this machine."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

_OURS = re.compile(rb"#!(?!/usr/bin/env )[^\n]*\bpython[0-9.]*(?:\.exe)?[ \t]*(?=\r?\n)")
_TRAMPOLINE = re.compile(rb"#!/bin/sh\r?\n'''exec' [^\n]*\n' '''(?=\r?\n)")
_SHEBANG = b"#!/usr/bin/env python3"


def is_left_out(path: PurePosixPath) -> bool:
    """Notes of the installer about this machine; and bytecode, which is compiled anew."""
    if path.parent.name.endswith(".dist-info"):
        return path.name == "direct_url.json" or path.name.startswith("uv_")
    return str(path) == ".lock" or "__pycache__" in path.parts


def script(content: bytes) -> bytes:
    """A script of `bin` that starts the image's Python, not the one that it was installed with."""
    for pattern in (_TRAMPOLINE, _OURS):
        found = pattern.match(content)
        if found:
            return _SHEBANG + content[found.end() :]
    return content


def record(text: str, changed: Mapping[str, bytes]) -> str:
    """A package's list of files, true again: without those left out, with those changed."""
    rows: list[list[str]] = []
    for row in csv.reader(io.StringIO(text)):
        if not row or is_left_out(PurePosixPath(row[0])):
            continue
        content = changed.get(row[0])
        if content is not None:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            row = [row[0], f"sha256={digest.decode()}", str(len(content))]
        rows.append(row)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(sorted(rows))
    return out.getvalue()
