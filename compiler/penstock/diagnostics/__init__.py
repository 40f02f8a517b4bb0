"""What penstock says to its user: a code, a line, a reason, one thing to do."""

from penstock.diagnostics.model import Diagnostic, PipelineError, Severity, Span, in_source_order

__all__ = ["Diagnostic", "PipelineError", "Severity", "Span", "in_source_order"]
