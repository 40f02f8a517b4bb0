"""Files with the bytecode of their modules beside them, as a step's user cannot write it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from penstock.images.bytecode import compiling
from penstock.images.index_settings import IndexSettings
from penstock.images.interpreters import interpreter
from penstock.images.uv_environment import uv_environment


def with_bytecode(files: Mapping[str, bytes], place: str, python: str) -> dict[str, bytes]:
    """The files, and the bytecode of each module as if it lay below `place`.

    Raises `CannotInstall` where no Python of that version is on this machine.
    """
    with uv_environment(IndexSettings()) as environment:
        found = interpreter(python, environment)
    modules = sorted(name for name in files if name.endswith(".py"))
    made = dict(files)
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        for name in modules:
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(files[name])
        with compiling(Path(folder), modules, place, found) as bytecode:
            for name in modules:
                module = PurePosixPath(name)
                target = module.parent / "__pycache__" / f"{module.stem}.{found.cache_tag}.pyc"
                made[str(target)] = bytecode(name)
    return made
