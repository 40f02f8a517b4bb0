"""The libraries of other people's types, imported when such a value is really met."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from penstock_runtime.errors import LibraryMissing

_PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow"}


def library(module: str, purpose: str) -> Any:
    """A module of a library. Raises LibraryMissing, with the purpose, when it is not installed."""
    top = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != top:
            raise  # the library is there, but what it needs itself is not
        raise LibraryMissing(_PACKAGES.get(top, top), purpose) from error


def installed(module: str) -> bool:
    """Whether a library is here; nothing is imported."""
    try:
        return find_spec(module) is not None
    except ValueError:  # something else stands in its place in `sys.modules`
        return False
