"""Compiles what was installed, so that steps start quickly: they can never write bytecode.

The same files give the same bytecode. What Python writes depends a little on what the process
has done before, so files are compiled in portions of a fixed size, each by a fresh process.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from penstock.images.interpreters import Interpreter
from penstock.images.requirement_errors import CannotInstall

_PORTION = 128
_DATA = frozenset({"bin", "etc", "include", "share"})
_TESTS = frozenset({"test", "tests"})
_PROGRAM = Path(__file__).with_name("compile_portion.py")


def worth_compiling(path: PurePosixPath) -> bool:
    """Whether the file is a module that steps may import; tests are half of some packages."""
    return (
        path.suffix == ".py"
        and all(one.isidentifier() for one in path.parts[:-1])
        and path.parts[0] not in _DATA
        and not _TESTS.intersection(path.parts[1:-1])
    )


@contextmanager
def compiling(
    folder: Path, modules: Sequence[str], place: str, interpreter: Interpreter
) -> Generator[Callable[[str], bytes]]:
    """Compiles the files, given relative to `folder`, as if they lay below `place`.

    While the block runs, what it gives waits for the bytecode of a file; that is empty for a
    file that is no valid Python, as of a template.
    """
    running: set[subprocess.Popen[bytes]] = set()
    portions: dict[str, tuple[Future[list[bytes]], int]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for start in range(0, len(modules), _PORTION):
                portion = modules[start : start + _PORTION]
                future = pool.submit(_compile, folder, portion, place, interpreter, running)
                portions |= {name: (future, place) for place, name in enumerate(portion)}

            def bytecode(module: str) -> bytes:
                future, place = portions[module]
                return future.result()[place]

            yield bytecode
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(running):
                process.kill()
            raise


def _compile(
    folder: Path,
    modules: Sequence[str],
    place: str,
    interpreter: Interpreter,
    running: set[subprocess.Popen[bytes]],
) -> list[bytes]:
    # -P: this folder holds modules that are named as some of Python's own.
    command = [interpreter.executable, *("-s", "-S", "-P", "-B", "-W", "ignore")]
    with subprocess.Popen(  # noqa: S603 - a Python that was found on this machine
        [*command, str(_PROGRAM), place],
        cwd=folder,
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        running.add(process)
        try:
            made, said = process.communicate("\n".join(modules).encode())
        finally:
            running.discard(process)
    if process.returncode:
        why = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise CannotInstall(f"the bytecode could not be compiled: {why}")
    return list(_parts(made))


def _parts(made: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(made):
        begin = start + 8
        start = begin + int.from_bytes(made[start:begin], "little")
        yield made[begin:start]
