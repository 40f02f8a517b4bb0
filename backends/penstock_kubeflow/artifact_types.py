"""The artifact type of Kubeflow for an output: what its pages show, by type and role."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.ir.nodes import Role
from penstock.ir.types import Classes, Type

DATASET, MODEL = "system.Dataset", "system.Model"
METRICS, HTML, MARKDOWN = "system.Metrics", "system.HTML", "system.Markdown"
ARTIFACT = "system.Artifact"

_BY_LIBRARY = {
    "pandas": DATASET,
    "polars": DATASET,
    "pyarrow": DATASET,
    "numpy": DATASET,
    "sklearn": MODEL,
    "xgboost": MODEL,
    "lightgbm": MODEL,
    "catboost": MODEL,
    "torch": MODEL,
    "keras": MODEL,
    "transformers": MODEL,
}
_BY_CLASS = {"penstock.Metrics": METRICS}
_BY_LAST_NAME = {"html": HTML, "htmlreport": HTML, "markdown": MARKDOWN, "markdownreport": MARKDOWN}
_BY_ROLE: dict[Role, str] = {"trainer": MODEL, "data_source": DATASET, "split": DATASET}


def schema_title(kind: Type, role: Role, classes: Classes) -> str:
    """`system.Dataset`, `system.Model` and so on; the type counts before the role."""
    known = classes.get(kind.name)
    for name in (kind.name, *(known.bases if known is not None else ())):
        found = _BY_CLASS.get(name) or _BY_LIBRARY.get(name.partition(".")[0])
        found = found or _BY_LAST_NAME.get(name.rpartition(".")[2].lower())
        if found is not None:
            return found
    return _title_of_members(kind.args, classes) or _BY_ROLE.get(role, ARTIFACT)


def _title_of_members(members: Iterable[Type], classes: Classes) -> str | None:
    titles = {schema_title(one, "step", classes) for one in members if one.name != "None"}
    return next(iter(titles)) if len(titles) == 1 and ARTIFACT not in titles else None
