"""Branches, loops and exits keep the types of what they pass on."""

from typing import reveal_type

from penstock import (
    Metrics,
    RunStatus,
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


class Model: ...


@step
def fit(rate: float) -> Model:
    return Model()


@step
def score(model: Model) -> Metrics:
    return Metrics(auc=0.5)


@step
def files(folder: str) -> list[str]:
    return [folder]


@step
def best(models: list[Model], scores: list[Metrics]) -> Model:
    return models[0]


@step
def ready(folder: str) -> bool:
    return True


@step
def notify(channel: str, status: RunStatus = RunStatus.SUCCEEDED) -> None: ...


@pipeline
def churn(folder: str, rates: list[float], floor: float = 0.5) -> Model:
    with each([0.1, 0.2]) as rate:
        reveal_type(rate)  # reveals: float
        model = fit(rate)
        metrics = score(model)
    reveal_type(gather(model))  # reveals: list[Model]
    champion = best(gather(model), gather(metrics))
    with each(rates, parallel=2) as rate:
        reveal_type(rate)  # reveals: float
        fit(rate)
    with each(files(folder)) as name:
        reveal_type(name)  # reveals: str
        with each([("a", 1), ("b", 2)]) as (word, number):
            reveal_type(word)  # reveals: str
            reveal_type(number)  # reveals: int
            inner = ready(word)
        reveal_type(gather(inner))  # reveals: list[bool]
    with each([{"rate": 0.1}]) as config:
        reveal_type(config["rate"])  # reveals: float
    final = score(champion)
    with when((final["auc"] >= floor) & ready(folder)):
        one = fit(0.1)
    with elsewhen((final["auc"] < 0.1) | (final["auc"] == 0.2) | (folder != "x")):
        two = fit(0.2)
    with elsewhen(~ready(folder)):  # pyright says: reportDeprecated
        two = fit(0.3)
    with otherwise():
        three = fit(0.4)
    reveal_type(one_of(one, two, three))  # reveals: Model
    on_exit(notify("#ml"))
    return champion


@pipeline
def wrong(folder: str) -> Model:
    with each(3) as number:  # mypy says: arg-type, var-annotated  # pyright says: reportArgumentType, reportUnknownVariableType
        pass
    with each(files(folder)) as name:
        model = fit(name)  # mypy says: arg-type  # pyright says: reportArgumentType
    with when("folder"):  # mypy says: arg-type  # pyright says: reportArgumentType
        pass
    with when(score(model)):  # mypy says: arg-type  # pyright says: reportArgumentType
        pass
    best(model, gather(score(model)))  # mypy says: arg-type  # pyright says: reportArgumentType
    with each([1], parallel="2") as number:  # mypy says: arg-type  # pyright says: reportArgumentType
        pass
    return gather(model)  # mypy says: return-value  # pyright says: reportReturnType
