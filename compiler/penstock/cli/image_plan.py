"""Plans the images of a TARGET for a command; what is wrong with them is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.failures import Failure, WrongUsage
from penstock.cli.loading import Reported
from penstock.cli.output import Format, show
from penstock.cli.targets import Target
from penstock.diagnostics import Diagnostic, in_source_order

if TYPE_CHECKING:
    from penstock.backend import Checked
    from penstock.images.plan import ImagePlan
    from penstock.ir.nodes import PipelineIR


def with_images(
    found: Target, ready: Checked, form: Format = "text", store: str | None = None
) -> Checked:
    """The checked pipeline with its images; those that a YAML brings along stay as they are.

    What is wrong is shown, and ends the command. A YAML that brings none and whose code is
    elsewhere has images that are named by what its steps ask for.
    """
    if found.ir.images or _code_is_elsewhere(found):
        return ready
    made = image_plan(found, ready.lowered, store)
    if made.problems:
        show((*ready.warnings, *made.problems), found.root, form)
        raise Reported
    return replace(ready, written=made.planned(ready.written), lowered=made.planned(ready.lowered))


def image_plan(found: Target, lowered: PipelineIR, store: str | None = None) -> ImagePlan:
    """The plan with its problems, in source order; raises `WrongUsage` for the settings."""
    from penstock.images.plan import plan_images
    from penstock.images.project import Project
    from penstock.images.settings import ImageSettingsError

    try:
        project = Project(found.root, _import_path(found))
        made = plan_images(lowered, project, store or _store_setting(found.root))
    except ImageSettingsError as error:
        raise WrongUsage(str(error)) from None
    return replace(made, problems=in_source_order(made.problems))


def as_warnings(problems: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The problems where images are not needed at once."""
    return tuple(replace(one, severity="warning") for one in problems)


def _store_setting(root: Path) -> str | None:
    from penstock.images.settings import penstock_table

    store = penstock_table(root / "pyproject.toml").get("store")
    return store if isinstance(store, str) else None


def _import_path(found: Target) -> tuple[str, ...]:
    if found.import_root is not None:
        return (str(found.import_root),)
    from penstock.cli.own_code import import_root

    return (str(import_root(found.ir, found.root)),)


def _code_is_elsewhere(found: Target) -> bool:
    try:
        _import_path(found)
    except Failure:
        return True
    return False
