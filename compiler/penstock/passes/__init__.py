"""What the compiler does with a pipeline, in order."""

from penstock.passes.fill_defaults import fill_defaults
from penstock.passes.model import Pass
from penstock.passes.resolve_options import resolve_options

CHECKS: tuple[Pass, ...] = ()

REWRITES: tuple[Pass, ...] = (fill_defaults, resolve_options)
