"""The user's code that a request names, and calling it."""

import os
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from penstock_runtime.errors import BadRequest, StepFailed, StoreError, Terminated
from penstock_runtime.hints import Hint, SignatureError, hints_of, unwrapped
from penstock_runtime.signature import outputs_of
from penstock_runtime.surroundings import left_as_found, not_in_a_copy

_OURS = str(Path(__file__).parent) + os.sep
_NOT_THE_USERS = ("penstock", "importlib", "contextlib")


@dataclass(frozen=True)
class Target:
    """What to call: a function, or the `run` of a step class that is made from its fields."""

    step: str
    function: Any
    step_class: Any
    input_hints: Mapping[str, Hint]
    output_hints: Mapping[str, Hint]

    def __call__(self, fields: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
        """Call it. Raises StepFailed with the user's exception as its cause."""
        with blaming_the_step(self.step), left_as_found(), not_in_a_copy():
            if self.step_class is None:
                return _call(self.function, (), arguments)
            return _call(self.function, (self.step_class(**fields),), arguments)


def find_target(step: str, code: str, path: Iterable[str]) -> Target:
    """Import `module:qualname`, with `path` in front of `sys.path`.

    The object that `@step` makes is looked through by its `__wrapped__`, so that nothing is
    traced. Other decorators are the user's: what they do is part of the step.
    Raises BadRequest when there is no such thing, StepFailed when importing it raised.
    """
    put_on_path(path)
    found = _imported(step, code)
    step_class = found if isinstance(found, type) else None
    if step_class is not None:
        found = getattr(step_class, "run", None)
        if found is None:
            raise BadRequest(f"{code} is a class without a `run` method")
    if not callable(found):
        raise BadRequest(f"{code} is not callable but {type(found).__name__}")
    try:
        function = _without_step(found)
        fields = hints_of(step_class) if step_class is not None else {}
        return Target(
            step=step,
            function=function,
            step_class=step_class,
            input_hints={**fields, **hints_of(function)},
            output_hints=outputs_of(function),
        )
    except SignatureError as error:
        raise StepFailed(f"step {step!r}: {error}") from error


def put_on_path(path: Iterable[str]) -> None:
    """Put folders in front of `sys.path`, in their order."""
    for folder in reversed(tuple(path)):
        if folder not in sys.path:
            sys.path.insert(0, folder)


@contextmanager
def blaming_the_step(step: str) -> Generator[None, None, None]:
    """Turn what the user's code raises into StepFailed, without our frames in its traceback."""
    try:
        yield
    except (Terminated, KeyboardInterrupt, StepFailed, StoreError):
        raise
    except SystemExit as error:
        _trim(error)
        raise StepFailed(
            f"step {step!r} called sys.exit({error.code!r}); let it return or raise instead",
            _formatted(error),
        ) from error
    except BaseException as error:  # any class of the user's: that is what is reported
        _trim(error)
        if isinstance(error, TypeError) and error.__traceback__ is None:
            raise BadRequest(f"step {step!r} cannot be called: {error}") from error
        raise StepFailed(
            f"step {step!r} raised {type(error).__name__}: {_said(error)}", _formatted(error)
        ) from error


@contextmanager
def environment(env: Mapping[str, str]) -> Generator[None, None, None]:
    """Environment variables that are set while the block lasts."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _imported(step: str, code: str) -> Any:
    module_name, _, qualname = code.partition(":")
    try:
        with blaming_the_step(step):
            found: Any = import_module(module_name)
    except StepFailed as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and missing.name is not None:
            wanted = module_name.split(".")
            if missing.name in (".".join(wanted[: i + 1]) for i in range(len(wanted))):
                raise BadRequest(f"there is no module {missing.name!r} for {code}") from error
        raise
    for name in qualname.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise BadRequest(f"module {module_name!r} has no {qualname!r}") from None
    return found


def _without_step(found: Any) -> Any:
    while getattr(cast(Any, type(found)), "__penstock_step__", False):
        found = found.__wrapped__
    return found


def _call(function: Any, first: tuple[Any, ...], arguments: Mapping[str, Any]) -> Any:
    code = getattr(unwrapped(function), "__code__", None)
    only = code.co_varnames[len(first) : code.co_posonlyargcount] if code is not None else ()
    positional = [arguments[name] for name in only if name in arguments]
    named = {name: value for name, value in arguments.items() if name not in only}
    return function(*first, *positional, **named)


def _trim(error: BaseException) -> None:
    frame: TracebackType | None = error.__traceback__
    while frame is not None and (
        frame.tb_frame.f_code.co_filename.startswith((_OURS, "<frozen importlib"))
        or str(frame.tb_frame.f_globals.get("__name__")).partition(".")[0] in _NOT_THE_USERS
    ):
        frame = frame.tb_next
    error.__traceback__ = frame


def _formatted(error: BaseException) -> str:
    import traceback

    return _printable("".join(traceback.format_exception(error)))


def _said(error: BaseException) -> str:
    try:
        return _printable(str(error))
    except Exception:  # of the user's class, which is not even able to say what is wrong
        return "<its message cannot be shown>"


def _printable(text: str) -> str:
    """Half a character, as in the name of a file that is no text, cannot be written down."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
