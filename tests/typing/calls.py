"""What calls of steps are, outside and inside of a pipeline."""

from dataclasses import dataclass
from typing import NamedTuple, reveal_type

from penstock import Metrics, Retry, pipeline, step


@dataclass
class Frame:
    rows: int


class Split(NamedTuple):
    train: Frame
    test: Frame


@step(requires=["pandas"], retries=2)
def load(url: str) -> Frame:
    return Frame(len(url))


@step
def split(data: Frame, ratio: float = 0.8) -> Split:
    return Split(data, data)


@step
def score(test: Frame) -> Metrics:
    return Metrics(auc=1.0)


@step
def publish(data: Frame) -> None: ...


@pipeline
def churn(url: str) -> Frame:
    data = load(url)
    reveal_type(data)  # reveals: Frame
    reveal_type(split(data))  # reveals: Split
    train, test = split(data, ratio=0.5)
    reveal_type(train)  # reveals: Frame
    reveal_type(split(data).test)  # reveals: Frame
    reveal_type(score(test)["auc"])  # reveals: float
    reveal_type(data.rows)  # reveals: int
    reveal_type(load.options(name="again", retries=Retry(3, delay="5s"))(url))  # reveals: Frame
    return train


def test_split() -> None:
    reveal_type(split(Frame(1), 0.5).train.rows)  # reveals: int


@pipeline
def wrong(url: str) -> Frame:
    data = load(url)
    split(data).valid  # mypy says: attr-defined  # pyright says: reportAttributeAccessIssue, reportUnknownMemberType
    split("data")  # mypy says: arg-type  # pyright says: reportArgumentType
    split(data, "half")  # mypy says: arg-type  # pyright says: reportArgumentType
    split()  # mypy says: call-arg  # pyright says: reportCallIssue
    split(data, rate=0.5)  # mypy says: call-arg  # pyright says: reportCallIssue
    load(data)  # mypy says: arg-type  # pyright says: reportArgumentType
    load.options(retry=2)(url)  # mypy says: call-arg  # pyright says: reportCallIssue
    load.options(timeout=[1])(url)  # mypy says: arg-type  # pyright says: reportArgumentType
    one, two, three = split(data)  # mypy says: misc  # pyright says: reportAssignmentType, reportUnknownVariableType
    nothing = publish(data)
    publish(nothing)  # mypy says: arg-type  # pyright says: reportArgumentType
    return score(data)  # mypy says: return-value  # pyright says: reportReturnType


@step(image=3)  # mypy says: call-overload, untyped-decorator  # pyright says: reportArgumentType
def wrong_option() -> None: ...


@step(requirements=["pandas"])  # mypy says: call-overload, untyped-decorator  # pyright says: reportCallIssue, reportUntypedFunctionDecorator
def unknown_option() -> None: ...
