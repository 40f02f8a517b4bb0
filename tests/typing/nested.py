"""A pipeline called in a pipeline gives what it returns, and checks what it is given."""

from typing import Annotated, Literal, NamedTuple, reveal_type

from penstock import Field, Schedule, pipeline, step


class Model: ...


class Trained(NamedTuple):
    model: Model
    rows: int


@step
def fit(data: str) -> Trained:
    return Trained(Model(), 1)


@pipeline
def train(data: str, mode: Literal["fast", "slow"] = "fast") -> Model:
    return fit(data).model


@pipeline(tags=["ml"], retries=1)
def train_more(data: str, share: Annotated[float, Field(ge=0, le=1)] = 0.5) -> Trained:
    found = fit(data)
    return Trained(model=found.model, rows=found.rows)


@pipeline
def tidy(rows: int) -> None: ...


@pipeline(schedule=Schedule("0 6 * * 1", timezone="Europe/Berlin"))
def nightly(data: str) -> Model:
    reveal_type(train(data))  # reveals: Model
    model, rows = train_more(data, share=0.2)
    reveal_type(rows)  # reveals: int
    reveal_type(train_more(data).model)  # reveals: Model
    tidy(rows)
    return model


reveal_type(nightly.name)  # reveals: str
reveal_type(nightly.trace().name)  # reveals: str


@pipeline
def wrong(data: str) -> Model:
    train(1)  # mypy says: arg-type  # pyright says: reportArgumentType
    train(data, mode="medium")  # mypy says: arg-type  # pyright says: reportArgumentType
    train(data, speed="fast")  # mypy says: call-arg  # pyright says: reportCallIssue
    train_more(data).score  # mypy says: attr-defined  # pyright says: reportAttributeAccessIssue, reportUnknownMemberType
    return train_more(data)  # mypy says: return-value  # pyright says: reportReturnType


@pipeline(scheduled="0 6 * * 1")  # mypy says: call-overload, untyped-decorator  # pyright says: reportCallIssue, reportUntypedFunctionDecorator
def unknown_option() -> None: ...
