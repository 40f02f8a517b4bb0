"""Loops, branches, what they give, and what runs at the end."""

from penstock import (
    Metrics,
    RunStatus,
    Secret,
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


@step
def load(rows: int) -> bytes:
    return b"row\n" * rows


@step
def rates(count: int) -> list[float]:
    return [10.0**power for power in range(count)]


@step
def fit(data: bytes, rate: float, depth: int = 1) -> bytes:
    return b"%d %g %d" % (len(data), rate, depth)


@step
def score(model: bytes) -> Metrics:
    return Metrics(auc=len(model) / 10)


@step
def prune(model: bytes) -> bytes:
    return model[:3]


@step
def best(models: list[bytes], scores: list[Metrics]) -> bytes:
    return max(zip([one["auc"] for one in scores], models, strict=True))[1]


@step(secrets=[Secret("registry", key="password", env="TOKEN")])
def publish(model: bytes) -> str:
    return model.decode()


@step
def keep(model: bytes, why: str) -> str:
    return f"{model.decode()}: {why}"


@step
def tell(text: str) -> str:
    return text.upper()


@step
def notify(channel: str, status: RunStatus = RunStatus.SUCCEEDED) -> str:
    return f"{channel}: {status.value}"


@pipeline
def chosen(model: bytes, floor: float) -> str:
    """Publishes a model that is good enough."""
    measured = score(model)
    with when(measured["auc"] >= floor):
        done = publish(model)
    with elsewhen((measured["auc"] > 0.1) & (measured["auc"] != 0.3)):
        kept = keep(model, "nearly good enough")
    with otherwise():
        lost = keep.options(name="lose")(model, "too bad")
    return one_of(done, kept, lost)


@pipeline(tags=["search"], schedule="@weekly")
def search(rows: int = 3, floor: float = 0.5, depths: list[int] = [1, 2]) -> str:  # noqa: B006
    """Looks for the best model.

    Every rate and depth is tried.
    """
    data = load(rows)
    with each(rates(3), parallel=2) as rate:
        model = fit(data, rate)
        metrics = score.options(name="first")(model)
        with when(metrics["auc"] > 0.6):
            small = prune(model)
        with otherwise():
            large = fit.options(name="again")(data, rate, 2)
        kept = score.options(name="second")(one_of(small, large))
    with each(depths) as depth, each([0.5, 2.0]) as rate:
        tried = fit.options(name="grid")(data, rate, depth)
    with each(["x", "{{ 7*7 }}.sh"]) as word:
        tell(word)
    champion = best(gather(model), gather(kept))
    text = chosen(champion, floor)
    tell.options(name="report", after=[tried])(text)
    on_exit(notify("#ml"))
    return text
