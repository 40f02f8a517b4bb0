"""Trains and judges a tumour classifier on the Wisconsin breast cancer data.

The data ship with scikit-learn: 569 patients, 30 measurements of cell nuclei each.
"""

from typing import Annotated, NamedTuple

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from penstock import (
    DataSourceStep,
    EvaluatorStep,
    Field,
    Metrics,
    PreprocessStep,
    Resources,
    SplitStep,
    TrainerStep,
    pipeline,
    step,
)

LABEL = "benign"


class Split(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


class Load(DataSourceStep):
    """Reads the measurements, one row for each patient."""

    def run(self) -> pd.DataFrame:
        bunch = load_breast_cancer(as_frame=True)
        return bunch.frame.rename(columns={"target": LABEL})


class Divide(SplitStep):
    """Keeps a share of the patients apart, with the same proportion of benign cases."""

    test_share: float = 0.25
    seed: int = 7

    def run(self, data: pd.DataFrame) -> Split:
        train, test = train_test_split(
            data, test_size=self.test_share, random_state=self.seed, stratify=data[LABEL]
        )
        return Split(train, test)


class Scale(PreprocessStep):
    """Scales every measurement by what the training patients show."""

    def run(self, train: pd.DataFrame, test: pd.DataFrame) -> Split:
        scaler = StandardScaler().set_output(transform="pandas")
        features = train.columns.drop(LABEL)
        scaler.fit(train[features])
        scaled = [scaler.transform(part[features]).join(part[LABEL]) for part in (train, test)]
        return Split(*scaled)


class Train(TrainerStep):
    """Fits a logistic regression."""

    resources = Resources(cpu=1, memory="1Gi")

    C: float = 1.0

    def run(self, train: pd.DataFrame) -> LogisticRegression:
        model = LogisticRegression(C=self.C, max_iter=1_000)
        return model.fit(train.drop(columns=LABEL), train[LABEL])


class Evaluate(EvaluatorStep):
    """Judges the model by patients that it has not seen."""

    def run(self, model: LogisticRegression, test: pd.DataFrame) -> Metrics:
        features = test.drop(columns=LABEL)
        return Metrics(
            accuracy=accuracy_score(test[LABEL], model.predict(features)),
            auc=roc_auc_score(test[LABEL], model.predict_proba(features)[:, 1]),
        )


@step
def decide(auc: float, floor: float) -> str:
    """Says whether the model is good enough to be used."""
    return "ship it" if auc >= floor else "keep the old one"


@pipeline(
    requires=["pandas", "pyarrow", "scikit-learn"], tags=["example", "health"], owner="ml-team"
)
def breast_cancer(
    C: Annotated[float, Field(gt=0, description="inverse strength of regularisation")] = 1.0,
    floor: Annotated[float, Field(ge=0, le=1, description="the AUC that a model needs")] = 0.95,
) -> str:
    """Tells benign from malignant tumours."""
    train, test = Divide().run(Load().run())
    train, test = Scale().run(train, test)
    model = Train(C=C).run(train)
    metrics = Evaluate().run(model, test)
    return decide(metrics["auc"], floor)
