"""Materializers: how values of each type become files, found by type.

The map from types to materializers is the reader's own; no import path in a record is followed.
A class is recognised by name along its MRO, so no library is imported only to ask.
"""

import typing
from collections import OrderedDict
from itertools import pairwise
from typing import Any, cast

from penstock_runtime.hints import Hint, full_name, is_union, origin_of, plain
from penstock_runtime.materializers.arrays import ArrayMaterializer
from penstock_runtime.materializers.arrow_tables import (
    ArrowBatchMaterializer,
    ArrowTableMaterializer,
)
from penstock_runtime.materializers.basic import (
    BytesMaterializer,
    JsonMaterializer,
    MetricsMaterializer,
    TextMaterializer,
)
from penstock_runtime.materializers.dataclass import DataclassMaterializer
from penstock_runtime.materializers.estimators import EstimatorMaterializer
from penstock_runtime.materializers.figures import FigureMaterializer
from penstock_runtime.materializers.frames import FrameMaterializer, SeriesMaterializer
from penstock_runtime.materializers.path import PathMaterializer
from penstock_runtime.materializers.pickled import PickleMaterializer
from penstock_runtime.materializers.polars_frames import (
    PolarsFrameMaterializer,
    PolarsSeriesMaterializer,
)
from penstock_runtime.materializers.protocol import Materializer, NotHeld
from penstock_runtime.materializers.pydantic_models import ModelMaterializer
from penstock_runtime.materializers.reports import (
    HTMLReportMaterializer,
    MarkdownReportMaterializer,
)
from penstock_runtime.materializers.tensors import StateMaterializer, TensorMaterializer

GROUP = "penstock.materializers"

LAST_RESORT: Materializer = PickleMaterializer()

BUILT_IN: tuple[Materializer, ...] = (
    JsonMaterializer(),
    TextMaterializer(),
    BytesMaterializer(),
    MetricsMaterializer(),
    DataclassMaterializer(),
    ModelMaterializer(),
    PathMaterializer(),
    HTMLReportMaterializer(),
    MarkdownReportMaterializer(),
    FrameMaterializer(),
    SeriesMaterializer(),
    PolarsFrameMaterializer(),
    PolarsSeriesMaterializer(),
    ArrowTableMaterializer(),
    ArrowBatchMaterializer(),
    ArrayMaterializer(),
    EstimatorMaterializer(),
    TensorMaterializer(),
    StateMaterializer(),
    FigureMaterializer(),
)


def materializers_for(value: object) -> "typing.Iterator[Materializer]":
    """The materializers that may hold a value, the best one first and pickle last.

    A built-in one, one of an entry point, or at last pickle; `save` of the first may raise
    NotHeld, and then the next is asked.
    """
    kind = type(value)
    for candidate in _claiming(kind):
        if candidate.handles(value):
            yield candidate
    yield LAST_RESORT


def materializer_named(name: str) -> Materializer:
    """The materializer of a reference. Raises LookupError when none of that name is installed."""
    for known in (*BUILT_IN, LAST_RESORT):
        if known.name == name:
            return known
    for entry in _entry_points():
        found = _loaded(entry)
        if found.name == name:
            return found
    raise LookupError(f"no materializer {name!r} is installed; install the package that has it")


def materializer_for_type(hint: Hint) -> str | None:
    """The name of the materializer for values of a type; None when only the value can tell."""
    hint = plain(hint)
    if is_union(hint):
        members = [item for item in typing.get_args(hint) if item is not type(None)]
        names = {materializer_for_type(item) for item in members}
        return names.pop() if len(names) == 1 else None
    origin = origin_of(hint)
    if origin is not None and origin not in (list, dict, tuple, set, frozenset):
        hint = origin
    # `Any` is a class since Python 3.11.
    if hint in (Any, object) or not isinstance(hint, type) or _is_protocol(hint):
        return None
    kind = cast(type[Any], hint)
    if kind in (list, dict, tuple, set, frozenset, OrderedDict):
        return None
    found = next(iter(_claiming(kind)), LAST_RESORT)
    return found.name


def _is_protocol(hint: Hint) -> bool:
    return bool(getattr(hint, "_is_protocol", False))


def _claiming(kind: type) -> "typing.Iterator[Materializer]":
    bases = kind.__mro__[:-1] or kind.__mro__
    for base in bases:
        for candidate in BUILT_IN:
            if candidate.claims(base, base is kind):
                yield candidate
    # Reading the installed packages takes milliseconds: only for types that are not built in.
    entries = _entry_points()
    for base in bases:
        for entry in entries:
            if entry.name == full_name(base):
                yield _loaded(entry)


def _entry_points() -> "list[EntryPoint]":
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    for one, other in pairwise(found):
        if one.name == other.name and one.value != other.value:
            raise LookupError(
                f"two packages register a materializer for {one.name}: {one.value} and "
                f"{other.value}; uninstall one of them"
            )
    return found


def _loaded(entry: "EntryPoint") -> Materializer:
    loaded = entry.load()
    return cast(Materializer, loaded() if isinstance(loaded, type) else loaded)


if typing.TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "BUILT_IN",
    "GROUP",
    "LAST_RESORT",
    "Materializer",
    "NotHeld",
    "materializer_for_type",
    "materializer_named",
    "materializers_for",
]
