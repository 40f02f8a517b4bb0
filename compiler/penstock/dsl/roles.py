"""The roles of machine learning: thin classes whose contracts the compiler checks."""

from __future__ import annotations

from typing import ClassVar

from penstock.dsl.steps import Step


class DataSourceStep(Step):
    """Brings data in from outside: yields at least one output."""

    _role: ClassVar[str] = "data_source"


class SplitStep(Step):
    """Divides data: yields several outputs."""

    _role: ClassVar[str] = "split"


class PreprocessStep(Step):
    """Turns data into other data: yields at least one output."""

    _role: ClassVar[str] = "preprocess"


class TokenizerStep(Step):
    """Turns text into tokens: yields at least one output."""

    _role: ClassVar[str] = "tokenizer"


class TrainerStep(Step):
    """Learns: takes data and yields a model."""

    _role: ClassVar[str] = "trainer"


class EvaluatorStep(Step):
    """Judges: takes a model, and data it was not trained on, and yields `Metrics`."""

    _role: ClassVar[str] = "evaluator"


class InferenceStep(Step):
    """Predicts: takes a model and yields what it says of some data."""

    _role: ClassVar[str] = "inference"


class DeployerStep(Step):
    """Hands a model over to those who serve it."""

    _role: ClassVar[str] = "deployer"
