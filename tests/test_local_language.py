"""Every part of the language, really run, with the same results in both executors."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_project import Project

from penstock.runner import StepSkipped, StepStarted

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


FLAT = """
class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"

class Split(NamedTuple):
    train: list[list[int]]
    test: dict[str, float]
    count: int

@dataclass
class Report:
    auc: float
    names: list[str]

@step(env={"COLOUR": "red"})
def environment() -> str:
    return os.environ["COLOUR"]

@step
def split(n: int, ratio: float = 0.5, mode: Mode = Mode.FAST) -> Split:
    assert isinstance(ratio, float) and isinstance(mode, Mode)
    return Split([[n]], {"ratio": ratio, mode.value: 1.0}, n)

class Scale(TrainerStep):
    factor: float = 2.0
    mode: Mode = Mode.SLOW
    def run(self, train: list[list[int]]) -> Report:
        assert self.mode is Mode.FAST
        return Report(train[0][0] * self.factor, [self.mode.name])

@step
def total(values: list[float], label: Literal["a", "b"]) -> Metrics:
    return Metrics({"sum": sum(values)})

@step
def note(path: str) -> None:
    Path(path).write_text("noted")

@step
def seen(path: str) -> bool:
    return Path(path).read_text() == "noted"

@pipeline
def inner(n: int, label: Literal["a", "b"] = "b"):
    train, test, count = split(n, mode=Mode.SLOW)
    report = Scale(factor=3.0, mode=Mode.FAST).run(train)
    return total([report.auc, test["ratio"], 1.5], label)

@pipeline
def outer(path: str, n: Annotated[int, Field(ge=1)] = 7, mode: Mode = Mode.FAST):
    environment()
    metrics = inner(n)
    noted = note(path)
    seen.options(after=[noted])(path)
    split(n, 0.25, mode)
    return metrics
"""


def test_the_flat_language_gives_the_same_in_both_executors(project: Project) -> None:
    file = project.write(FLAT)
    parameters = {"path": str(project.folder / "note")}
    inline, process = (project.run(file, one, parameters) for one in ("inline", "process"))

    assert inline.result.state == process.result.state == "succeeded"
    assert inline.digests == process.digests
    assert inline.value("environment") == "red"
    assert inline.value("inner.split", "count") == 7
    assert inline.value("inner.total") == {"sum": 21.0 + 0.5 + 1.5}
    assert inline.value("seen") is True
    assert inline.value("split", "test") == {"ratio": 0.25, "fast": 1.0}
    assert inline.plain(inline.result.outputs["value"]) == {"sum": 23.0}
    step = next(one for one in inline.result.steps if one.step == "inner.total")
    assert step.metrics == {"sum": 23.0}


CONTROL = """
@step
def numbers(n: int) -> list[int]:
    return list(range(n))

@step
def double(x: int) -> dict[str, Any]:
    return {"x": 2 * x}

@step
def small(x: int) -> int:
    return 2 * x

@step
def pair(x: int, y: int) -> int:
    return 10 * x + y

@step
def rows(many: list[dict[str, Any]], few: list[int], grid: list[list[int]]) -> list[int]:
    return [len(many), sum(few), *(sum(one) for one in grid)]

@step
def word(text: str) -> str:
    return text

@step
def bye(status: RunStatus, path: str) -> None:
    assert isinstance(status, RunStatus)
    Path(path).write_text(status.value)

@pipeline
def control(path: str, n: int = 3, kind: str = "b", offsets: list[int] = [1, 2]):
    on_exit(bye(path=path))
    with each(numbers(n), parallel=2) as i:
        d = double(i)
        s = small(i)
        with each(offsets) as j:
            p = pair(i, j)
        ps = gather(p)
        with when(i == 1):
            word("odd")
    all_of_them = rows(gather(d), gather(s), gather(ps))
    with when(kind == "a"):
        chosen_a = word("first")
    with elsewhen((kind == "b") & ~(n < 0)):
        chosen_b = word("second")
        with when(all_of_them[0] > 100):
            word("never")
    with otherwise():
        chosen_c = word("third")
    return word(one_of(chosen_a, chosen_b, chosen_c))
"""


@BOTH
def test_loops_branches_and_exit_steps(project: Project, executor: str) -> None:
    out = project.folder / "status"
    ran = project.run(CONTROL, executor, {"path": str(out)})

    assert ran.result.state == "succeeded"
    assert ran.value("rows") == [3, 6, 3, 23, 43]
    assert ran.value("pair.2.1") == 22
    assert ran.states["word.1"] == "succeeded"
    assert ran.states["word.0"] == ran.states["word.2"] == "skipped"
    assert ran.plain(ran.result.outputs["value"]) == "second"
    assert [ran.states[f"word_{i}"] for i in (2, 3, 4, 5)] == [
        "skipped",
        "succeeded",
        "skipped",
        "skipped",
    ]
    assert len(ran.told(StepSkipped)) == 5
    assert ran.told(StepStarted)[-1].step == "bye"
    assert out.read_text() == "succeeded"


@pytest.mark.parametrize(("kind", "chosen"), [("a", "first"), ("z", "third")])
def test_one_arm_is_taken(project: Project, kind: str, chosen: str) -> None:
    ran = project.run(CONTROL, parameters={"path": str(project.folder / "x"), "kind": kind, "n": 1})
    assert ran.plain(ran.result.outputs["value"]) == chosen


def test_a_loop_over_nothing_is_done_at_once(project: Project) -> None:
    ran = project.run(CONTROL, parameters={"path": str(project.folder / "x"), "n": 0})
    assert ran.value("rows") == [0, 0]
    assert ran.result.state == "succeeded"


def test_thousands_of_skipped_rounds_one_after_another(project: Project) -> None:
    ran = project.run(
        """
        @step
        def numbers() -> list[int]:
            return list(range(3000))

        @step
        def act(x: int) -> None:
            raise AssertionError

        @pipeline
        def many():
            with each(numbers(), parallel=1) as i:
                with when(i < 0):
                    act(i)
        """
    )
    assert ran.result.state == "succeeded"
    assert len(ran.told(StepSkipped)) == 3000


def test_parallel_limits_how_many_rounds_are_open(project: Project) -> None:
    ran = project.run(
        """
        @step
        def first(x: int) -> int:
            return x

        @step
        def second(x: int) -> int:
            return x

        @pipeline
        def rounds():
            with each([0, 1, 2, 3], parallel=1) as i:
                second(first(i))
        """,
        "process",
        jobs=4,
    )
    started = [one.step for one in ran.told(StepStarted)]
    assert started == [f"{step}.{i}" for i in range(4) for step in ("first", "second")]


def test_independent_steps_run_at_the_same_time(project: Project) -> None:
    # Each waits for the other's file: one at a time, they would wait for ever.
    ran = project.run(
        """
        @step
        def meet(mine: str, other: str) -> bool:
            Path(mine).touch()
            for _ in range(1000):
                if Path(other).exists():
                    return True
                time.sleep(0.02)
            return False

        @pipeline
        def both(folder: str, one: str, two: str):
            meet(one, two)
            meet(two, one)
        """,
        "process",
        {"folder": "", "one": str(project.folder / "1"), "two": str(project.folder / "2")},
    )
    assert ran.value("meet") is True
    assert ran.value("meet_2") is True


def test_after_a_loop_waits_for_all_of_its_rounds(project: Project) -> None:
    ran = project.run(
        """
        @step
        def write(folder: str, i: int) -> None:
            time.sleep(0.05 * i)
            Path(folder, f"{i}.txt").touch()

        @step
        def listed(folder: str) -> int:
            return len(list(Path(folder).glob("*.txt")))

        @pipeline
        def ordered(folder: str):
            with each([0, 1, 2]) as i:
                done = write(folder, i)
            listed.options(after=[done])(folder)
        """,
        "process",
        {"folder": str(project.folder)},
    )
    assert ran.value("listed") == 3


@BOTH
def test_parts_are_picked_out_of_artifacts_wherever_they_come_from(
    project: Project, executor: str
) -> None:
    ran = project.run(
        """
        @step
        def measured(x: int) -> Metrics:
            return Metrics(auc=x)

        @step
        def same(x: float) -> float:
            return x

        @pipeline
        def parts(n: int = 1):
            with when(n > 0):
                one = measured(1)
            with otherwise():
                other = measured(2)
            same.options(name="branch")(one_of(one, other)["auc"])
            with each([3, 4]) as i:
                m = measured(i)
            same.options(name="last")(gather(m)[-1]["auc"])
            with each([one_of(one, other), gather(m)[0]]) as item:
                same.options(name="item")(item["auc"])
            with when(gather(m)[1]["auc"] > 3.5):
                same.options(name="compared")(5)
        """,
        executor,
    )
    assert ran.result.state == "succeeded", ran.events
    found = {name: ran.value(name) for name in ("branch", "last", "item.0", "item.1", "compared")}
    assert found == {"branch": 1, "last": 4, "item.0": 1, "item.1": 3, "compared": 5}
