"""Branches, loops, what they give, and a step at the end: what every target can express."""

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


@step
def rows(count: int) -> list[int]:
    return [10 * number for number in range(count)]


@step
def fit(start: int, rate: float = 0.5) -> bytes:
    return b"%d at %g" % (start, rate)


@step
def score(model: bytes) -> Metrics:
    return Metrics(size=len(model))


@step
def best(models: list[bytes], sizes: list[float]) -> bytes:
    return max(zip(sizes, models, strict=True))[1]


@step
def plain(model: bytes) -> bytes:
    return model


@step
def polished(model: bytes) -> bytes:
    return model.upper()


@step
def told(model: bytes, names: list[str], first: int) -> str:
    return f"{model.decode()} {names} {first}"


@step
def notify(channel: str, status: RunStatus = RunStatus.SUCCEEDED) -> str:
    return f"{channel}: {status.value}"


@pipeline
def choose(model: bytes, mode: str) -> bytes:
    """Polishes a model, if that is wanted."""
    with when(mode == "polish"):
        better = polished(model)
    with elsewhen(mode == "plain"):
        same = plain(model)
    with otherwise():
        other = plain.options(name="as_it_is")(model)
    return one_of(better, same, other)


@pipeline
def tune(
    count: int = 3,
    mode: str = "polish",
    settings: dict[str, list[str]] = {"names": ["a", "b"]},  # noqa: B006 - only read
) -> str:
    """Fits one model for each row, and takes the best."""
    starts = rows(count)
    with each(starts, parallel=2) as start:
        model = fit(start)
        size = score(model)["size"]
    chosen = choose(best(gather(model), gather(size)), mode)
    with each(settings["names"]) as name, when(count > 2):
        told.options(name="tell")(chosen, [name, "{{ x }}"], count)
    text = told.options(name="end")(chosen, settings["names"], starts[0])
    on_exit(notify("#ml"))
    return text
