"""When an earlier result stands for a step, when it does not, and what is said about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_project import Project

from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords

FLOW = """
class Parts(NamedTuple):
    rows: list[str]
    text: bytes
    folder: Path

@step
def load(n: int) -> Parts:
    folder = Path("made")
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("a" * n)
    return Parts([str(one) for one in range(n)], b"x" * n, folder)

@step
def measure(rows: list[str], text: bytes, folder: Path, scale: float = 1.0) -> Metrics:
    print("measuring")
    return Metrics(length=len(rows) * scale, bytes=len(text))

@step
def tell(size: Metrics) -> None:
    print("told", size["length"])

@pipeline
def flow(n: int = 3, scale: float = 1.0) -> Metrics:
    parts = load(n)
    size = measure(parts.rows, parts.text, parts.folder, scale)
    tell(size)
    return size
"""


@dataclass
class Told:
    """The events of a run, by the command line."""

    events: list[dict[str, Any]]
    store: Path

    @property
    def why(self) -> dict[str, str]:
        """Why each reused step was reused."""
        return {one["step"]: one["why"] for one in self.events if one["event"] == "step_reused"}

    @property
    def started(self) -> list[str]:
        """The steps that really ran."""
        return [one["step"] for one in self.events if one["event"] == "step_started"]

    @property
    def end(self) -> dict[str, Any]:
        """How the run ended."""
        return self.events[-1]

    @property
    def outputs(self) -> dict[str, Any]:
        """What each step gave."""
        return {one["step"]: one["outputs"] for one in self.end["steps"]}

    def commit(self, step: str) -> dict[str, Any]:
        """The commit of a step."""
        found = RunRecords(open_store(str(self.store)), self.end["run"]).committed(step)
        assert found is not None
        return found


class Flow:
    """One file, run again and again."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.store = project.folder / ".penstock"
        self.edit()

    def edit(self, old: str = "", new: str = "", text: str = FLOW) -> None:
        """The pipeline with one thing changed."""
        assert old in text
        self.project.write(text.replace(old, new) if old else text, "flow")

    def run(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Told:
        """Runs it as a user would; by default in this process's executor, which is quickest."""
        executor = [] if "--executor" in arguments else ["--executor", "inline"]
        done = self.project.command(
            "run", "flow.py", "--format", "json", *executor, *arguments, env=env
        )
        assert done.returncode == code, done.stderr
        return Told([json.loads(line) for line in done.stdout.splitlines()], self.store)

    def plan(self, *arguments: str) -> dict[str, list[dict[str, Any]]]:
        """What `--dry-run` says of each step."""
        done = self.project.command("run", "flow.py", "--dry-run", "--format", "json", *arguments)
        assert done.returncode == 0, done.stderr
        return {one["step"]: one["reuse"] for one in json.loads(done.stdout)["steps"]}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    yield Flow(Project(tmp_path))


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_what_has_not_changed_is_not_run_again(flow: Flow, executor: str) -> None:
    first = flow.run("--executor", executor)
    second = flow.run("--executor", executor)

    assert first.started == ["load", "measure", "tell"]
    # A step that gives nothing is there for what it does.
    assert second.started == ["tell"]
    assert set(second.why) == {"load", "measure"}
    assert second.outputs == first.outputs
    assert second.end["outputs"] == first.end["outputs"]
    assert [one["reused"] for one in second.end["steps"]] == [first.end["run"]] * 2 + [None]
    commit = second.commit("measure")
    assert commit["reused"] == {"run": first.end["run"], "step": "measure"}
    assert commit["cache"]["state"] == "hit"
    assert commit["cache"]["key"] == first.commit("measure")["cache"]["key"]
    assert commit["metrics"] == {"length": 3.0, "bytes": 3.0}


def test_both_executors_share_the_cache(flow: Flow) -> None:
    first = flow.run("--executor", "process")
    assert flow.run("--executor", "inline").outputs == first.outputs
    assert set(flow.plan()) == {"load", "measure", "tell"}


@pytest.mark.parametrize(
    ("old", "new", "arguments", "ran", "why"),
    [
        ("", "", (), ["tell"], ""),
        ("    print(", "    # a comment\n    print( ", (), ["tell"], ""),
        ("@step\ndef load", "@step(retries=2, timeout=60)\ndef load", (), ["tell"], ""),
        ("len(rows)", "sum(1 for _ in rows)", (), ["measure", "tell"], "its code has changed"),
        (
            *("", "", ("-p", "scale=2")),
            *(["measure", "tell"], "scale has changed from 1.0 to 2.0"),
        ),
        ("", "", ("-p", "n=4"), ["load", "measure", "tell"], "rows has changed"),
        ("@step\ndef measure", "@step(cache=False)\ndef measure", (), ["measure", "tell"], "off"),
        ("@step\ndef measure", '@step(env={"A": "1"})\ndef measure', (), ["measure", "tell"], ""),
        ("@step\ndef tell", "@step(cache=True)\ndef tell", (), [], ""),
        ("", "", ("--no-cache",), ["load", "measure", "tell"], "the cache is not used"),
    ],
)
def test_a_change_runs_what_it_concerns(
    flow: Flow, old: str, new: str, arguments: tuple[str, ...], ran: list[str], why: str
) -> None:
    # `tell` is remembered only where it says so, so both runs have to.
    flow.edit(*(("@step\ndef tell", "@step(cache=True)\ndef tell") if not ran else ()))
    flow.run()
    if old:
        flow.edit(old, new)
    plan = flow.plan(*arguments)
    second = flow.run(*arguments)

    assert second.started == ran
    # What was foreseen is what happened, for all whose inputs were known.
    for step, rounds in plan.items():
        for one in rounds:
            assert (one["run"] is None) == (step in ran), step
    cache = second.commit("measure")["cache"]
    assert why in (cache["why"], cache["state"]) or why in cache["why"]


def test_an_edit_of_another_module_counts(flow: Flow) -> None:
    flow.project.write("FACTOR = 2\n", "helpers")
    flow.edit("    print(", "    from helpers import FACTOR\n    print(")
    flow.run()
    flow.project.write("# two\nFACTOR = 2\n", "helpers")
    assert flow.run().started == ["tell"]
    flow.project.write("FACTOR = 3\n", "helpers")
    assert flow.run().started == ["measure", "tell"]


def test_another_environment_counts_and_is_named(flow: Flow) -> None:
    flow.run()
    site = flow.project.folder / "site"
    (site / "shiny-1.5.dist-info").mkdir(parents=True)
    second = flow.run(env={"PYTHONPATH": str(site)})
    assert second.started == ["load", "measure", "tell"]
    assert "shiny 1.5 is new" in second.commit("load")["cache"]["why"]


def test_what_ran_without_the_cache_is_remembered(flow: Flow) -> None:
    flow.run("--no-cache")
    assert flow.run().started == ["tell"]
    assert flow.run(env={"PENSTOCK_CACHE": "0"}).started == ["load", "measure", "tell"]


def rot(file: Path) -> None:
    """One byte that is not what it was."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    os.chmod(file, 0o600)
    file.write_bytes(data)


def blob_of(flow: Flow, told: Told, output: str) -> Path:
    digest = str(told.outputs["load"][output]["artifact"]["digest"]).removeprefix("sha256:")
    return flow.store / "cas" / "sha256" / digest[:2] / digest[2:]


@pytest.mark.parametrize("damage", ["rot", "remove"])
@pytest.mark.parametrize("output", ["text", "folder", "inside"])
def test_a_damaged_result_is_made_again_and_the_store_is_mended(
    flow: Flow, damage: str, output: str
) -> None:
    first = flow.run()
    blob = blob_of(flow, first, "folder" if output == "inside" else output)
    if output == "inside":
        entry = json.loads(blob.read_bytes())["files"][0]["digest"].removeprefix("sha256:")
        blob = flow.store / "cas" / "sha256" / entry[:2] / entry[2:]
    content = blob.read_bytes()
    rot(blob) if damage == "rot" else blob.unlink()

    second = flow.run()
    assert "load" in second.started
    assert second.outputs == first.outputs
    assert ("damaged" if damage == "rot" else "gone") in second.commit("load")["cache"]["why"]
    assert blob.read_bytes() == content


@pytest.mark.parametrize("record", ["commit", "entry"])
def test_a_damaged_record_is_not_believed(flow: Flow, record: str) -> None:
    first = flow.run()
    key = first.commit("load")["cache"]["key"].removeprefix("sha256:")
    found = (
        flow.store.glob("runs/*/*/*/*/steps/load/commit.json")
        if record == "commit"
        else (flow.store / "cache" / key[:2] / key[2:]).iterdir()
    )
    for file in list(found):
        os.chmod(file, 0o600)
        file.write_bytes(file.read_bytes()[:40])
    second = flow.run()
    assert second.started == ["load", "tell"]
    assert second.outputs == first.outputs


def test_two_calls_that_differ_by_chance_stay_two(flow: Flow) -> None:
    flow.edit(
        text="""
        import random

        @step
        def draw() -> float:
            return random.random()

        @pipeline
        def flow() -> list[float]:
            return both(draw(), draw())

        @step
        def both(a: float, b: float) -> list[float]:
            return [a, b]
        """
    )
    first = flow.run()
    assert flow.run().outputs == first.outputs
    text = (flow.project.folder / "flow.py").read_text()
    more = text.replace("both(draw(), draw())", "both(draw(), draw(), draw())")
    more = more.replace("a: float, b: float", "a: float, b: float, c: float")
    (flow.project.folder / "flow.py").write_text(more.replace("[a, b]", "[a, b, c]"))
    third = flow.run()
    assert third.started == ["draw_3", "both"]
    values = [third.outputs[name]["value"]["value"] for name in ("draw", "draw_2", "draw_3")]
    assert len(set(values)) == 3
    assert values[:2] == [first.outputs[name]["value"]["value"] for name in ("draw", "draw_2")]


def test_a_sweep_runs_only_what_is_new(flow: Flow) -> None:
    sweep = """
        @step
        def fit(c: float) -> float:
            return c * 2

        @pipeline
        def flow(cs: list[float] = [1.0, 2.0]) -> list[float]:
            with each(cs) as c:
                out = fit(c)
            return gather(out)
    """
    flow.edit(text=sweep)
    flow.run()
    more = flow.run("-p", "cs=[0.5, 1.0, 2.0, 4.0]")
    assert sorted(more.started) == ["fit.0", "fit.3"]
    assert more.end["outputs"]["value"]["value"] == [1.0, 2.0, 4.0, 8.0]
    assert [one["run"] is None for one in flow.plan("-p", "cs=[2.0, 3.0]")["fit"]] == [False, True]


def test_a_part_that_nobody_asked_for_is_read_from_what_was_stored(flow: Flow) -> None:
    flow.run()
    flow.edit("    tell(size)", "    with when(size['length'] > 2):\n        tell(size)")
    second = flow.run()
    assert second.started == ["tell"]
    assert second.commit("measure")["projections"] == {"value.length": 3.0}


def test_a_step_is_reused_whatever_its_name_and_pipeline(flow: Flow) -> None:
    flow.run()
    flow.edit("    size = measure(", "    size = measure.options(name='sized')(")
    second = flow.run()
    assert "sized" in second.why
    assert second.started == ["tell"]


def test_the_lines_for_people(flow: Flow) -> None:
    flow.run()
    done = flow.project.command("run", "flow.py", "--executor", "inline")
    assert "reused  load  nothing has changed (run " in done.stdout
    assert "flow succeeded" in done.stdout
    assert "3 succeeded, 2 of them reused" in done.stdout
    dry = flow.project.command("run", "flow.py", "--dry-run")
    assert "flow: would run 1 step and reuse 2, plan " in dry.stdout
    assert "runs: it gives nothing, so it is run for what it does" in dry.stdout


def test_a_plan_makes_no_store(flow: Flow) -> None:
    plan = flow.plan()
    assert plan["load"][0]["why"] == "the pipeline has not run here before"
    assert plan["measure"] == []
    assert not flow.store.exists()


@pytest.mark.parametrize("executor", ["inline", "process"])
@pytest.mark.parametrize("back", [False, True])
def test_what_ran_while_its_code_was_edited_is_not_remembered(
    flow: Flow, executor: str, back: bool
) -> None:
    edit = """
        path = Path(__file__)
        text = path.read_text()
        path.write_text(text + "# more")
        if BACK:
            path.write_text(text)
        return len(rows)
    """.replace("BACK", str(back))
    body = edit.replace("\n        ", "\n    ")
    flow.edit(
        text=f"""
@step
def load() -> list[int]:
    return [1, 2]

@step
def work(rows: list[int]) -> int:{body}

@step
def after(n: int) -> int:
    return n

@pipeline
def flow() -> int:
    return after(work(load()))
"""
    )
    before = (flow.project.folder / "flow.py").read_text()
    first = flow.run("--executor", executor)
    assert [one["step"] for one in first.events if one.get("edited")] == ["work", "after"]
    (flow.project.folder / "flow.py").write_text(before)
    second = flow.run("--executor", executor)
    assert second.started == ["work", "after"]
    assert second.outputs == first.outputs
