"""The program that compiles some files; any CPython since 3.7 can run it.

Standard input names the files, one a line; the argument is the folder that they will lie in.
Standard output is, for each, the length of its bytecode in eight bytes, and the bytecode: many
small files would take longer to write than to compile. Compiled files are not compared with
their sources when they are imported (PEP 552).
"""

from __future__ import annotations

import gc
import marshal
import sys
from importlib.util import MAGIC_NUMBER, source_hash

_UNCHECKED_HASH = (0b01).to_bytes(4, "little")


def main() -> None:
    """Compile each of them."""
    gc.disable()  # nothing made here is garbage before the end
    for name in sys.stdin.read().split("\n"):
        content = _compiled(name, f"{sys.argv[1]}/{name}")
        sys.stdout.buffer.write(len(content).to_bytes(8, "little"))
        sys.stdout.buffer.write(content)


def _compiled(name: str, as_name: str) -> bytes:
    with open(name, "rb") as file:
        source = file.read()
    try:
        code = compile(source, as_name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, OverflowError):
        return b""  # a template, or for another Python
    return MAGIC_NUMBER + _UNCHECKED_HASH + source_hash(source) + marshal.dumps(code)


if __name__ == "__main__":
    main()
