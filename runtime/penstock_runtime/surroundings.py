"""What a step may not change for those that run after it in the same process."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import NoReturn

_STREAMS = (0, 1, 2)
_OURS = os.path.dirname(__file__) + os.sep


@contextmanager
def left_as_found() -> Generator[None, None, None]:
    """Puts back the current folder, the mask of new files and Python's streams at the end.

    Environment variables stay as the step has set them: libraries set some when they are imported.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    mask = os.umask(0o077)
    os.umask(mask)
    try:
        folder = os.open(".", os.O_RDONLY)
    except OSError:  # it was removed
        folder = None
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.umask(mask)
        if folder is not None:
            with suppress(OSError):  # the step has closed it, or may not go back
                os.fchdir(folder)
                os.close(folder)
        _fill_streams()


@contextmanager
def not_in_a_copy() -> Generator[None, None, None]:
    """Ends a copy of this process that the block has forked and let come to its end.

    It would run the rest of the pipeline a second time.
    """
    process = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != process:
            _end_copy(error)
        raise
    if os.getpid() != process:
        _end_copy(None)


def _end_copy(error: BaseException | None) -> NoReturn:
    code = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        import traceback

        frame = error.__traceback__
        while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_OURS):
            frame = frame.tb_next
        traceback.print_exception(type(error), error, frame)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # whatever the step has put there
            stream.flush()
    os._exit(code & 0xFF)


def _fill_streams() -> None:
    """No file of the store may get the number of a stream that the step has closed."""
    for number in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
