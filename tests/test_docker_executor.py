"""Steps in containers: the whole language, the same bytes, their lines, and what is remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from containers_support import client, containers, engine, image_with, run_in_containers
from engine_support import BASE
from hypothesis import given, settings
from local_project import Project
from programs import Program, programs
from test_local_meaning import WITHOUT_WAITING, case, commits

from penstock.cli.targets import load_target
from penstock.runner import StepFailed, StepLine, StepReused, StepStarted
from penstock_local.environment_change import environment_change
from penstock_local.environments import Environments

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


LANGUAGE = """
@dataclass
class Model:
    weights: list[float]

class Split(NamedTuple):
    train: list[int]
    test: bytes

class Fit(TrainerStep):
    rate: float = 0.5
    def run(self, train: list[int]) -> Model:
        log_metric("loss", 0.25, step=1)
        log_metadata({"seen": len(train)})
        return Model([one * self.rate for one in train])

class Score(EvaluatorStep):
    def run(self, model: Model, test: bytes) -> Metrics:
        return Metrics(auc=sum(model.weights) / 10, n=len(test))

@step
def load(folder: str) -> Path:
    import tempfile
    place = Path(tempfile.mkdtemp()) / folder
    place.mkdir()
    (place / "a.txt").write_text("\\u00e4 1\\n")
    return place

@step
def split(data: Path, upto: int) -> Split:
    return Split(list(range(upto)), (data / "a.txt").read_bytes())

@step
def publish(model: Model) -> str:
    return f"published {model.weights[-1]}"

@step
def alert() -> str:
    return "alert"

@step
def best(models: list[Model], scores: list[Metrics]) -> Model:
    return max(zip(scores, models), key=lambda pair: pair[0]["auc"])[1]

@step(retries=1)
def flaky(n: int) -> int:
    if current_run().attempt == 1:
        raise ValueError("not yet")
    return n

@step
def bye(status: RunStatus) -> str:
    return status.value

@pipeline
def main(upto: int = 4) -> Model:
    train, test = split(load("data"), flaky(upto))
    with each([0.5, 1.0], parallel=2) as rate:
        model = Fit(rate=rate).run(train)
        score = Score().run(model, test)
    champion = best(gather(model), gather(score))
    final = Score().run(champion, test)
    with when(final["auc"] >= 0.5):
        publish(champion)
    with otherwise():
        alert()
    on_exit(bye())
    return champion
"""


def test_the_language_means_in_containers_what_it_means_here(project: Project) -> None:
    file = project.write(LANGUAGE)
    inline = project.run(file)
    ran = run_in_containers(project, file, jobs=4, cache=False)

    assert ran.states == inline.states
    assert ran.digests == inline.digests
    assert ran.result.outputs == inline.result.outputs
    here, there = commits(inline), commits(ran)
    for record in (*here.values(), *there.values()):
        assert record.pop("cache")
    assert there == here
    assert ran.record("99-end.json")["metrics"] == inline.record("99-end.json")["metrics"]
    assert len(list(ran.folder.glob("metrics/Fit.1-1-*.jsonl"))) == 1
    assert [(e.step, e.attempt) for e in ran.told(StepStarted) if e.step == "flaky"] == [
        ("flaky", 1),
        ("flaky", 2),
    ]
    start = ran.record("00-start.json")
    assert start["executor"] == "docker"
    assert [sorted(one["steps"]) for one in start["images"]] == [
        sorted(step.id for step in load_target(str(file)).ir.steps)
    ]
    assert "images" in (ran.folder / "run.yaml").read_text()
    assert containers(store=str(project.store)) == []


PRINTING = """
@step
def chatty(n: int) -> int:
    print("one")
    print("two", file=sys.stderr)
    os.write(1, b"from below\\n")
    os.system("echo from a child") if n else None
    print("\\u00e4" * 3, "\\rlast of a bar")
    print("without an end", end="")
    return n

@pipeline
def main() -> int:
    return chatty(0)
"""


def test_what_a_step_prints_is_told_in_order(project: Project) -> None:
    ran = run_in_containers(project, PRINTING)
    lines = ["one", "two", "from below", "last of a bar", "without an end"]
    assert [one.line for one in ran.told(StepLine)] == lines
    log = ran.record("99-end.json")["steps"]["chatty"]["log"].removeprefix("sha256:")
    kept = project.store / "cas" / "sha256" / log[:2] / log[2:]
    assert kept.read_text().splitlines() == lines


MANY_LINES = """
@step
def chatty() -> None:
    for n in range(30_000):
        print(n)

@pipeline
def main():
    chatty()
"""


def test_no_line_of_many_is_lost(project: Project) -> None:
    ran = run_in_containers(project, MANY_LINES)
    assert [one.line for one in ran.told(StepLine)] == [str(n) for n in range(30_000)]


LARGE = """
@step
def gives() -> list[str]:
    return ["x" * 100] * 20_000

@step
def takes(texts: list[str]) -> int:
    return len(texts)

@pipeline
def main() -> int:
    return takes(gives())
"""


def test_large_parameters_pass(project: Project) -> None:
    ran = run_in_containers(project, LARGE)
    assert ran.value("takes") == 20_000


TWO = """
@step
def first(n: int) -> int:
    return n + 1

@step
def second(n: int) -> int:
    return n + 1

@pipeline
def main(n: int = 1) -> int:
    return second(first(n))
"""


def reuses(ran: Any) -> list[str]:
    return [one.step for one in ran.told(StepReused)]


def why(ran: Any, step: str) -> str:
    found: str = ran.record(f"steps/{step}/commit.json")["cache"]["why"]
    return found


def test_a_result_is_reused_in_the_same_environment_only(project: Project) -> None:
    file = project.write(TWO)
    image = image_with({file.stem: file.read_text()})
    run_in_containers(project, file, image=image)
    again = run_in_containers(project, file, image=image)
    assert reuses(again) == ["first", "second"]

    here = project.run(file)
    assert reuses(here) == []
    assert why(here, "first") == "it ran in an image before"
    back = run_in_containers(project, file, {"n": 5}, image=image)
    assert why(back, "first") == "n has changed from 1 to 5"
    project.run(file, parameters={"n": 5})
    other = image_with({file.stem: file.read_text(), "more": "x = 1"})
    there = run_in_containers(project, file, {"n": 5}, image=other)
    assert reuses(there) == []
    assert why(there, "first") == "it runs in an image now"


def test_after_an_edit_only_what_has_changed_runs_again(project: Project) -> None:
    """From the command line: built, run, edited, built again."""
    settings = f'[tool.penstock]\nexecutor = "docker"\n[tool.penstock.images]\nbase = "{BASE}"\n'
    (project.folder / "pyproject.toml").write_text(settings)
    file = project.write(TWO, "edited")

    def ran() -> dict[str, str]:
        done = project.command("run", file, "--format", "json")
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events[0]["executor"] == "docker"
        told = ("step_started", "step_reused")
        return {one["step"]: one["event"] for one in events if one["event"] in told}

    missing = project.command("run", file)
    assert missing.returncode == 2
    assert "is not there; build it with `penstock build TARGET`" in missing.stderr
    try:
        assert project.command("build", file).returncode == 0
        assert ran() == {"first": "step_started", "second": "step_started"}
        later = TWO.replace("return n + 1\n\n@pipeline", "return n + 100\n\n@pipeline")
        project.write(later, "edited")
        assert project.command("build", file).returncode == 0
        assert ran() == {"first": "step_reused", "second": "step_started"}
    finally:
        for image in client().images.list(filters={"label": "io.penstock.pipeline=main"}):
            client().images.remove(str(image.id), force=True)
    end = json.loads((project.last_run(project.folder / ".penstock") / "99-end.json").read_bytes())
    assert end["outputs"] == {"value": {"value": 102}}


def nothing(_: object) -> dict[str, str]:
    """No list of packages is read."""
    return {}


def test_an_edit_of_another_step_changes_no_environment(project: Project) -> None:
    """The name of a planned image changes with any of the code in it; what is installed does not.

    A step's own code counts for itself.
    """
    ir = load_target(str(project.write(TWO))).ir
    node = {
        "base": "python:3.11-slim",
        "python": "3.11",
        "platform": "linux/amd64",
        "requires": ("pandas==2.2.0",),
        "penstock": "0.3",
        "steps": ("first", "second"),
    }
    from penstock.ir.nodes import Image

    def environments(name: str, **changed: Any) -> Environments:
        image = Image.model_validate({**node, "name": name, "source": name, **changed})
        planned = ir.model_copy(update={"images": (image,)})
        return Environments({}, planned, {"first": name, "second": name})

    before = environments("penstock-main:1")
    edited = environments("penstock-main:2")
    assert before.digest("first") == edited.digest("first")
    upgraded = environments("penstock-main:3", requires=("pandas==2.3.0",))
    assert before.digest("first") != upgraded.digest("first")
    then, now = before.recorded()[0], upgraded.facts("first")
    assert environment_change(then, now, nothing) == (
        "what is installed has changed: pandas 2.2.0 is now 2.3.0"
    )
    moved = environments("penstock-main:4", base="python:3.12-slim", python="3.12")
    assert environment_change(then, moved.facts("first"), nothing) == (
        "base has changed from python:3.11-slim to python:3.12-slim"
    )
    more = environments("penstock-main:5", packages=("git", "libgomp1"))
    assert environment_change(then, more.facts("first"), nothing) == (
        "what is installed has changed: git is new, libgomp1 is new"
    )


def test_a_plan_says_what_the_cache_would_do(project: Project) -> None:
    from penstock.backend import check_pipeline
    from penstock.runner import RunOptions
    from penstock_local import LocalBackend

    file = project.write(TWO)
    target = load_target(str(file))
    image = image_with({file.stem: file.read_text()})
    run_in_containers(project, file, image=image)
    checked = check_pipeline(target.ir, LocalBackend())
    for executor, runs in (("docker", True), ("process", False)):
        options = RunOptions(
            store=str(project.store),
            root=target.root,
            path=(str(target.import_root),),
            executor=executor,
            written=checked.written,
            images={"first": image, "second": image},
        )
        plan = LocalBackend().plan(checked.lowered, {}, options)
        first = plan.steps[0].reuse[0]
        assert (first.run is not None) == runs
        assert first.why == ("nothing has changed" if runs else "it ran in an image before")


def some_programs(count: int, *, failing: bool = False) -> list[Program]:
    """Programs of the generator, the same ones each time."""
    found: dict[str, Program] = {}

    @settings(max_examples=count, derandomize=True, database=None)
    @given(programs(features=WITHOUT_WAITING, size=5, failing=failing))
    def collect(program: Program) -> None:
        found[program.module] = program

    collect()
    return list(found.values())[-count:]


def test_random_programs_make_the_same_bytes_in_containers() -> None:
    chosen = some_programs(3)
    image = image_with({one.module: one.source for one in chosen})
    for program in chosen:
        with case(program) as one:
            inline = one.ran("inline", 1)
            place = one.folder / "docker"
            place.mkdir()
            project = Project(place)
            ran = project.run_target(one.target, "docker", one.values, 2, cache=False, image=image)
            assert ran.states == inline.states, ran.told(StepFailed)
            assert ran.digests == inline.digests
            one.agree(ran, one.meant())
            assert json.loads(json.dumps(ran.record("99-end.json")["status"])) == "succeeded"
