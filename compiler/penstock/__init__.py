"""penstock: machine-learning pipelines in Python, compiled to what production runs.

The front door of the language; everything else is reached through the `penstock` command.
"""

from penstock.diagnostics import PipelineError
from penstock.dsl import (
    DataSourceStep,
    DeployerStep,
    EvaluatorStep,
    Field,
    InferenceStep,
    Pipeline,
    PreprocessStep,
    Resources,
    Retry,
    Schedule,
    Secret,
    SplitStep,
    Step,
    StepFunction,
    TokenizerStep,
    TrainerStep,
    each,
    elsewhen,
    gather,
    on_exit,
    one_of,
    otherwise,
    pipeline,
    step,
    when,
)
from penstock_runtime.context import current_run, log_metadata, log_metric, log_metrics
from penstock_runtime.values import HTML, Markdown, Metrics, RunStatus

__version__ = "0.1.0"

__all__ = [
    "HTML",
    "DataSourceStep",
    "DeployerStep",
    "EvaluatorStep",
    "Field",
    "InferenceStep",
    "Markdown",
    "Metrics",
    "Pipeline",
    "PipelineError",
    "PreprocessStep",
    "Resources",
    "Retry",
    "RunStatus",
    "Schedule",
    "Secret",
    "SplitStep",
    "Step",
    "StepFunction",
    "TokenizerStep",
    "TrainerStep",
    "current_run",
    "each",
    "elsewhen",
    "gather",
    "log_metadata",
    "log_metric",
    "log_metrics",
    "on_exit",
    "one_of",
    "otherwise",
    "pipeline",
    "step",
    "when",
]
