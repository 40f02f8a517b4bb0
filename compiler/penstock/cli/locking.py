"""Locks what the images of a pipeline need, and plans them by the locks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.cli.failures import Failure, WrongUsage
from penstock.cli.image_plan import image_plan
from penstock.cli.loading import Reported
from penstock.cli.output import show
from penstock.diagnostics import Diagnostic, in_source_order

if TYPE_CHECKING:
    from penstock.cli.build_view import BuildView
    from penstock.cli.targets import Target
    from penstock.images.plan import ImagePlan
    from penstock.ir.nodes import PipelineIR

_NOT_PINNED = "PS308"


def locked_plan(
    found: Target, lowered: PipelineIR, store: str | None, view: BuildView, *, anew: bool
) -> ImagePlan:
    """The plan, with a lock for each environment; `anew` renews those that are still good.

    What is wrong is shown, and ends the command.
    """
    from penstock.images.locks import lock_environment
    from penstock.images.requirement_errors import CannotLock, RequirementsError
    from penstock.images.settings import ImageSettingsError

    plan = image_plan(found, lowered, store)
    _stop_on(found, [one for one in plan.problems if one.code != _NOT_PINNED])
    refused: list[Diagnostic] = []
    for one in plan.environments:
        if not one.requires or (one.locked and not anew):
            continue
        try:
            locked = lock_environment(one, plan.indexes, view.doing)
        except CannotLock as error:
            refused.append(Diagnostic(_NOT_PINNED, str(error), one.span, hint=error.hint))
            continue
        except ImageSettingsError as error:
            raise WrongUsage(str(error)) from None
        except RequirementsError as error:
            raise Failure(str(error)) from None
        name = f"{locked.file.parent.name}/{locked.file.name}"
        pins = locked.pins()
        count = f"{len(pins)} package{'s' * (len(pins) != 1)}"
        view.done(f"locked {name}  {count}", lock=name, packages=pins)
    _stop_on(found, refused)
    plan = image_plan(found, lowered, store)
    _stop_on(found, plan.problems)
    return replace(plan, problems=())


def _stop_on(found: Target, problems: list[Diagnostic] | tuple[Diagnostic, ...]) -> None:
    if problems:
        show(in_source_order(tuple(problems)), found.root)
        raise Reported
