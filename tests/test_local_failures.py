"""What happens when a step fails, dies, takes too long, or is stopped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from local_project import Project

from penstock.runner import CannotRun, StepFailed, StepLine, StepStarted

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


FAILING = """
def helper(n: int) -> int:
    return n // 0

@step
def good() -> int:
    return 1

@step
def bad(n: int) -> int:
    print("about to divide", n)
    return helper(n)

@step
def later(n: int) -> None:
    pass

@step
def bye(status: RunStatus, path: str) -> None:
    Path(path).write_text(status.value)

@pipeline
def failing(path: str):
    later(bad(good()))
    on_exit(bye(path=path))
"""


@BOTH
def test_a_failing_step_stops_the_run_and_exit_steps_hear_of_it(
    project: Project, executor: str
) -> None:
    out = project.folder / "status"
    ran = project.run(FAILING, executor, {"path": str(out)})

    assert ran.result.state == "failed"
    assert ran.states == {
        "good": "succeeded",
        "bad": "failed",
        "bye": "succeeded",
        "later": "not run",
    }
    assert out.read_text() == "failed"
    (failed,) = ran.told(StepFailed)
    assert failed.message.startswith("step 'bad' raised ZeroDivisionError: ")
    assert "in helper" in failed.trace
    assert "penstock" not in failed.trace.replace("penstock_local", "")
    if executor == "process":
        assert failed.log == ("about to divide 1",)
    end = ran.record("99-end.json")
    assert end["status"] == "failed"
    assert end["steps"]["bad"]["error"] == failed.message
    assert end["steps"]["later"] == {"status": "not run"}
    (record,) = (ran.folder / "steps" / "bad" / "1").glob("fail-*.json")
    assert "ZeroDivisionError" in record.read_text()


@BOTH
def test_a_retry_runs_the_step_again_after_its_delay(project: Project, executor: str) -> None:
    ran = project.run(
        """
        @step(retries=Retry(times=3, delay=0.05, backoff=2))
        def flaky(path: str) -> int:
            with open(path, "a") as file:
                file.write("x")
            if len(Path(path).read_text()) < 3:
                raise ValueError("not yet")
            return 5

        @pipeline
        def retried(path: str):
            flaky(path)
        """,
        executor,
        {"path": str(project.folder / "tries")},
    )
    assert ran.result.state == "succeeded"
    assert ran.value("flaky") == 5
    assert [one.attempt for one in ran.told(StepStarted)] == [1, 2, 3]
    assert [one.retry_in for one in ran.told(StepFailed)] == [0.05, 0.1]
    (step,) = ran.result.steps
    assert step.attempts == 3
    assert step.seconds >= 0.15


SLOW = """
@step(timeout=1.5)
def slow(path: str) -> None:
    try:
        while True:
            time.sleep(0.01)
    finally:
        Path(path).write_text("cleaned up")

@pipeline
def sleepy(path: str):
    slow(path)
"""


@BOTH
def test_a_step_that_takes_too_long_is_stopped(project: Project, executor: str) -> None:
    out = project.folder / "cleanup"
    ran = project.run(SLOW, executor, {"path": str(out)})
    assert ran.result.state == "failed"
    assert "took longer than 1.5 s" in ran.told(StepFailed)[0].message
    assert out.read_text() == "cleaned up"


@pytest.mark.parametrize(
    ("death", "message"),
    [
        ("os._exit(3)", "ended with exit code 3 before the step returned"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
        ("os._exit(0)", "ended with exit code 0"),
    ],
)
def test_a_worker_that_dies_is_a_failed_step(project: Project, death: str, message: str) -> None:
    ran = project.run(
        f"""
        @step(retries=1)
        def dies(path: str) -> int:
            print("last words")
            if not Path(path).exists():
                Path(path).touch()
                {death}
            return 1

        @pipeline
        def deadly(path: str):
            dies(path)
        """,
        "process",
        {"path": str(project.folder / "once")},
    )
    (failed,) = ran.told(StepFailed)
    assert message in failed.message
    assert ran.result.state == "succeeded"
    assert [one.line for one in ran.told(StepLine)] == ["last words", "last words"]
    (record,) = (ran.folder / "steps" / "dies" / "1").glob("fail-*.json")
    assert message in record.read_text()


def test_nothing_that_a_step_started_outlives_the_run(project: Project) -> None:
    ran = project.run(
        """
        import subprocess

        @step
        def starts() -> int:
            return subprocess.Popen(["sleep", "300"]).pid

        @pipeline
        def children():
            starts()
        """,
        "process",
    )
    child = ran.value("starts")
    with pytest.raises(ProcessLookupError):
        _still_runs(child)


def _still_runs(process: int) -> None:
    # A zombie waits for init, which containers may not have; it does not run.
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout
    if state.strip()[:1] in ("", "Z"):
        raise ProcessLookupError
    os.kill(process, 0)


def test_a_step_may_read_stdin_and_close_stdout(project: Project) -> None:
    ran = project.run(
        """
        @step
        def odd() -> str:
            text = sys.stdin.read()
            os.close(1)
            return text

        @step
        def even() -> int:
            return 2

        @pipeline
        def streams():
            even.options(after=[odd()])()
        """,
        "process",
    )
    assert ran.value("odd") == ""
    assert ran.value("even") == 2


@BOTH
def test_values_that_break_a_nested_pipelines_bounds_end_the_run(
    project: Project, executor: str
) -> None:
    ran = project.run(
        """
        @step
        def number() -> int:
            return 5

        @step
        def use(n: int) -> None:
            pass

        @pipeline
        def inner(n: Annotated[int, Field(le=3)]):
            use(n)

        @pipeline
        def outer():
            inner(number())
        """,
        executor,
    )
    assert ran.result.state == "failed"
    assert "parameter 'n' is 5, must be at most 3" in ran.told(StepFailed)[0].message
    assert ran.states["inner.use"] == "not run"


SECRET = """
@step(secrets=[Secret("db", key="token", env="DB_TOKEN")])
def uses(fail: bool) -> int:
    token = os.environ["DB_TOKEN"]
    print("token is", token)
    if fail:
        raise ValueError(f"cannot log in with {token}")
    return len(token)

@pipeline
def private(fail: bool = False):
    uses(fail)
"""


def test_a_missing_secret_is_told_before_anything_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DB_TOKEN", raising=False)
    with pytest.raises(CannotRun, match="DB_TOKEN"):
        project.run(SECRET)
    assert not project.store.exists()


@BOTH
def test_secrets_reach_the_step_and_no_record_or_event(
    project: Project, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("DB_TOKEN", "kf83-canary-9d")
    good = project.run(SECRET, executor)
    bad = project.run(SECRET, executor, {"fail": True})

    assert good.value("uses") == len("kf83-canary-9d")
    assert bad.result.state == "failed"
    assert "cannot log in with ***" in bad.told(StepFailed)[0].message
    assert "canary" not in repr(good.events) + repr(bad.events)
    files = [one for one in project.store.rglob("*") if one.is_file()]
    assert len(files) > 8
    assert not [one for one in files if b"canary" in one.read_bytes()]


def test_the_store_holds_the_log_of_each_step(project: Project) -> None:
    ran = project.run(FAILING, "process", {"path": str(project.folder / "x")})
    digest = ran.record("99-end.json")["steps"]["bad"]["log"].removeprefix("sha256:")
    blob = project.store / "cas" / "sha256" / digest[:2] / digest[2:]
    assert blob.read_text() == "about to divide 1\n"


@BOTH
def test_the_traceback_of_a_step_class_holds_the_users_lines_alone(
    project: Project, executor: str
) -> None:
    ran = project.run(
        """
        class Fit(Step):
            def run(self) -> int:
                raise ValueError("no")

        @pipeline
        def flow() -> int:
            return Fit().run()
        """,
        executor,
    )
    (failed,) = ran.told(StepFailed)
    assert failed.trace.count("  File ") == 1
    assert "penstock" not in failed.trace.replace(str(project.folder), "")
