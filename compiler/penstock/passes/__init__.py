"""What the compiler does with a pipeline, in order: these checks, then these rewrites."""

from penstock.passes.acyclic import acyclic
from penstock.passes.fill_defaults import fill_defaults
from penstock.passes.model import Pass
from penstock.passes.parameters import defaults_fit, nested_constants_fit
from penstock.passes.resolve_options import resolve_options
from penstock.passes.roles import roles_kept, scored_on_other_data
from penstock.passes.scoped_values import exits_apart, values_in_reach
from penstock.passes.secrets import no_secret_written
from penstock.passes.shape import (
    has_steps,
    inputs_match,
    names_unique,
    nested_inputs_match,
    references_exist,
)
from penstock.passes.texts import options_readable, schedule_readable
from penstock.passes.types_match import (
    conditions_typed,
    inputs_typed,
    loops_over_lists,
    parts_exist,
    types_are_types,
)

SHAPE: tuple[Pass, ...] = (names_unique, references_exist, types_are_types)
"""Where one of these fails, the others would only stumble over it: a stage of their own."""

CHECKS: tuple[Pass, ...] = (
    has_steps,
    inputs_match,
    nested_inputs_match,
    acyclic,
    values_in_reach,
    exits_apart,
    inputs_typed,
    loops_over_lists,
    conditions_typed,
    parts_exist,
    defaults_fit,
    nested_constants_fit,
    roles_kept,
    scored_on_other_data,
    no_secret_written,
    schedule_readable,
    options_readable,
)

REWRITES: tuple[Pass, ...] = (fill_defaults, resolve_options)
