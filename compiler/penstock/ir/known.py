"""Types of the field that the checks know by name."""

DATA_TYPES = frozenset(
    {
        "bytes",
        "dict",
        "list",
        "numpy.ndarray",
        "pandas.DataFrame",
        "pandas.Series",
        "pandas.core.frame.DataFrame",
        "pandas.core.series.Series",
        "pathlib.Path",
        "polars.DataFrame",
        "polars.LazyFrame",
        "polars.Series",
        "polars.dataframe.frame.DataFrame",
        "polars.lazyframe.frame.LazyFrame",
        "polars.series.series.Series",
        "pyarrow.Table",
        "pyarrow.lib.Table",
        "set",
        "str",
        "tuple",
    }
)
"""Types whose values are data, so that a value of one of them is no model."""

STATUS_VALUES = ("succeeded", "failed", "cancelled")
"""How a run can end, as the runtime's `RunStatus` has it."""
