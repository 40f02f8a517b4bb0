"""What users write: steps, pipelines, roles, control flow. Standard library only when imported."""

from penstock.dsl.control import each, elsewhen, gather, on_exit, one_of, otherwise, when
from penstock.dsl.options import Field, Resources, Retry, Schedule, Secret
from penstock.dsl.pipelines import Pipeline, pipeline
from penstock.dsl.roles import (
    DataSourceStep,
    DeployerStep,
    EvaluatorStep,
    InferenceStep,
    PreprocessStep,
    SplitStep,
    TokenizerStep,
    TrainerStep,
)
from penstock.dsl.steps import Step, StepFunction, step

__all__ = [
    "DataSourceStep",
    "DeployerStep",
    "EvaluatorStep",
    "Field",
    "InferenceStep",
    "Pipeline",
    "PreprocessStep",
    "Resources",
    "Retry",
    "Schedule",
    "Secret",
    "SplitStep",
    "Step",
    "StepFunction",
    "TokenizerStep",
    "TrainerStep",
    "each",
    "elsewhen",
    "gather",
    "on_exit",
    "one_of",
    "otherwise",
    "pipeline",
    "step",
    "when",
]
