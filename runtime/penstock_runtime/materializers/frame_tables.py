"""Frames of pandas as tables of Arrow, and back, without loss.

pandas and pyarrow keep most of a frame by themselves. What they do not keep stands beside it in
the table's metadata; a frame for which that is not enough is not held, and so it is pickled.
"""

import json
import warnings
from typing import Any, cast

from penstock_runtime.materializers.arrow_files import release_memory
from penstock_runtime.materializers.libraries import library
from penstock_runtime.materializers.protocol import NotHeld
from penstock_runtime.parameters import same
from penstock_runtime.store import canonical_json

_BESIDE = b"penstock"
_TEXTS = ("string", "bytes")


def table_of(frame: Any, beside: dict[str, Any], purpose: str) -> Any:
    """The table of a frame, with facts that `told_beside` gives back. Raises NotHeld."""
    arrow = library("pyarrow", purpose)
    objects = {
        str(number): _missing_in(frame.iloc[:, number], arrow)
        for number, dtype in enumerate(frame.dtypes)
        if str(dtype) == "object"
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of is what the trial below finds
            table = arrow.Table.from_pandas(frame)
    except (arrow.ArrowException, NotImplementedError, TypeError, ValueError) as error:
        raise NotHeld(f"Arrow cannot hold it: {error}") from error
    facts = {**beside, **({"objects": objects} if objects else {})}
    frequency = getattr(frame.index, "freqstr", None)
    if frequency is not None and hasattr(frame.index, "inferred_freq"):  # of times, not periods
        facts["frequency"] = frequency
    if facts:
        known: dict[bytes, bytes] = dict(table.schema.metadata or {})
        table = table.replace_schema_metadata(known | {_BESIDE: canonical_json(facts)})
    _check_frame(frame, table)
    return table


def frame_of(table: Any) -> Any:
    """The frame of a table, free to be changed."""
    beside = told_beside(table)
    objects = {int(number): missing for number, missing in beside.get("objects", {}).items()}
    originals = {number: table.column(number) for number in objects}
    one_piece = all(column.num_chunks <= 1 for column in table.columns)
    frame = table.to_pandas()
    del table
    release_memory()
    if one_piece:
        frame = frame.copy()  # such columns are views of what must not be written to
    for number, missing in objects.items():
        frame.isetitem(number, _objects(originals[number], missing, frame.index))
    if "frequency" in beside:
        frame.index.freq = beside["frequency"]
    return frame


def told_beside(table: Any) -> dict[str, Any]:
    """The facts that `table_of` put beside a table."""
    known: dict[bytes, bytes] = dict(table.schema.metadata or {})
    found = json.loads(known.get(_BESIDE, b"{}"))
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _check_frame(frame: Any, table: Any) -> None:
    """Only a trial, without rows, tells whether the dtypes and names come back. Raises NotHeld."""
    empty = frame_of(table.slice(0, 0))
    pairs = {
        "dtypes": (list(empty.dtypes), list(frame.dtypes)),
        "index": (_levels(empty.index), _levels(frame.index)),
        "attributes": (empty.attrs, frame.attrs),
    }
    if len(frame.columns):  # of none, not even pandas keeps what kind of none it is
        pairs["columns"] = (_labels(empty.columns), _labels(frame.columns))
    for what, (one, other) in pairs.items():
        if not same(one, other):
            raise NotHeld(f"Arrow would not keep its {what}")


def _labels(index: Any) -> list[Any]:
    return [list(index), *_levels(index)]


def _levels(index: Any) -> list[Any]:
    """The kind of an index (a range is only a short form of one), its names, dtypes and step."""
    kind = type(index).__name__.removeprefix("Range")
    dtypes = [index.dtype] if index.nlevels == 1 else list(index.dtypes)
    return [kind, list(index.names), dtypes, getattr(index, "freqstr", None)]


def _missing_in(column: Any, arrow: Any) -> str:
    """What stands for nothing in a column of objects: `None` or `nan`. Raises NotHeld."""
    missing = column[column.isna()]
    kinds = {"None" if item is None else str(item) for item in missing}
    if not kinds <= {"None"} and not kinds <= {"nan"}:
        raise NotHeld(f"column {column.name!r} has several values for nothing")
    if library("pandas", "").api.types.infer_dtype(column, skipna=True) not in _TEXTS:
        items = list(column)
        try:
            kept = same(arrow.array(items, from_pandas=True).to_pylist(), items)
        except (arrow.ArrowException, TypeError, ValueError):
            kept = False
        if not kept:
            raise NotHeld(f"column {column.name!r} holds objects of Python")
    return next(iter(kinds), "None")


def _objects(column: Any, missing: str, index: Any) -> Any:
    pandas = library("pandas", "")
    items = pandas.Series(column.to_pylist(), index=index, dtype=object)
    return items if missing == "None" else items.where(items.notna(), float("nan"))
