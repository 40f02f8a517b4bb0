"""Step classes: their fields are keyword-only arguments, their options are attributes."""

from typing import reveal_type

from penstock import EvaluatorStep, Metrics, Resources, Step, TrainerStep, pipeline


class Model: ...


class Fit(TrainerStep):
    requires = ["scikit-learn"]
    resources = Resources(cpu=2, memory="4Gi")
    retries = 2

    C: float = 1.0
    penalty: str

    def run(self, train: list[float], weight: float = 1.0) -> Model:
        reveal_type(self.C)  # reveals: float
        return Model()


class Score(EvaluatorStep):
    def run(self, model: Model, test: list[float]) -> Metrics:
        return Metrics(auc=0.5)


@pipeline
def churn(train: list[float], C: float = 1.0) -> Model:
    fit = Fit(C=C, penalty="l2")
    reveal_type(fit)  # reveals: Fit
    reveal_type(fit.C)  # reveals: float
    reveal_type(fit.options(retries=3))  # reveals: Fit
    model = fit.options(name="fit").run(train)
    reveal_type(model)  # reveals: Model
    reveal_type(Score().run(model, test=train)["auc"])  # reveals: float
    return model


def test_fit() -> None:
    reveal_type(Fit(penalty="l1").run([1.0]))  # reveals: Model


@pipeline
def wrong(train: list[float]) -> Model:
    Fit(c=1.0, penalty="l2")  # mypy says: call-arg  # pyright says: reportCallIssue
    Fit(C="1.0", penalty="l2")  # mypy says: arg-type  # pyright says: reportArgumentType
    Fit(C=1.0)  # mypy says: call-arg  # pyright says: reportCallIssue
    Fit(1.0, "l2")  # mypy says: call-arg  # pyright says: reportCallIssue
    model = Fit(penalty="l2").run(train)
    Score().run(train, model)  # mypy says: arg-type, arg-type  # pyright says: reportArgumentType, reportArgumentType
    Fit(penalty="l2").options(retry=3)  # mypy says: call-arg  # pyright says: reportCallIssue
    return Score().run(model, train)  # mypy says: return-value  # pyright says: reportReturnType


class WrongOption(Step):
    resources = "4Gi"  # mypy says: assignment  # pyright says: reportAssignmentType

    def run(self) -> None: ...


class AnnotatedOption(Step):
    image: str = "photo.png"  # mypy says: misc  # pyright says: reportIncompatibleVariableOverride, reportIncompatibleVariableOverride

    def run(self) -> None: ...
