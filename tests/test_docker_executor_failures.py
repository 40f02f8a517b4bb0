"""What goes wrong in a container, or with the engine, told in one sentence."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from containers_support import (
    ENGINE,
    containers,
    engine,
    executor_for,
    image_with,
    run_in_containers,
)
from engine_support import REGISTRY
from local_project import Project, Ran

from penstock.images.engine import Engine
from penstock.runner import CannotRun, StepFailed, StepStarted
from penstock_local.executors import Failed, Line

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def failures(ran: Ran) -> dict[str, str]:
    """Why each step failed last."""
    return {one.step: one.message for one in ran.told(StepFailed)}


FAILING = """
import signal

def helper(n: int) -> int:
    return n // 0

@step
def raises(n: int) -> int:
    print("about to divide", n)
    return helper(n)

@step(retries=1)
def exits() -> None:
    os._exit(7)

@step
def killed() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)
    os.abort()

@step
def writes() -> None:
    Path("result.txt").write_text("x")

@step
def bye(status: RunStatus) -> str:
    return status.value

@pipeline
def main():
    {step}
    on_exit(bye())
"""


def failing(project: Project, step: str) -> Ran:
    """A run in which a step fails."""
    ran = run_in_containers(project, FAILING.replace("{step}", step))
    assert ran.result.state == "failed"
    assert ran.value("bye") == "failed"
    assert containers(store=str(project.store)) == []
    return ran


def test_a_step_that_raises_shows_the_users_lines(project: Project) -> None:
    ran = failing(project, "raises(1)")
    (told,) = ran.told(StepFailed)
    assert told.message == (
        "step 'raises' raised ZeroDivisionError: integer division or modulo by zero"
    )
    assert told.log == ("about to divide 1",)
    assert told.trace.count("File ") == 2
    assert "/app/flow_" in told.trace
    assert "penstock" not in told.trace
    (record,) = ran.folder.glob("steps/raises/1/fail-*.json")
    assert ran.record(str(record.relative_to(ran.folder)))["error"]["message"] == told.message


def test_a_process_that_ends_early_is_tried_again(project: Project) -> None:
    ran = failing(project, "exits()")
    message = "the container of step 'exits' ended with exit code 7 before the step returned"
    assert failures(ran) == {"exits": message}
    assert [one.attempt for one in ran.told(StepStarted) if one.step == "exits"] == [1, 2]
    for attempt in (1, 2):
        (record,) = ran.folder.glob(f"steps/exits/{attempt}/fail-*.json")
        error = ran.record(str(record.relative_to(ran.folder)))["error"]
        assert error == {"class": "penstock:ProcessLost", "message": message, "traceback": ""}


def test_a_process_that_is_killed_is_told_with_the_signal(project: Project) -> None:
    ran = failing(project, "killed()")
    assert failures(ran)["killed"].startswith("the container of step 'killed' was ended by SIG")


def test_a_file_beside_the_code_cannot_be_written(project: Project) -> None:
    ran = failing(project, "writes()")
    assert failures(ran)["writes"].endswith(
        "Read-only file system: 'result.txt' (in a container only /tmp can be written to)"
    )


HUNGRY = """
@step(resources=Resources(memory="64Mi"))
def fit() -> int:
    print("begins")
    return len(bytearray(256 << 20))

@step(resources=Resources(memory="64Mi"))
def with_workers() -> int:
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(1) as pool:
        return len(pool.submit(bytearray, 256 << 20).result())

@pipeline
def main():
    {step}
"""


def test_too_little_memory_is_told(project: Project) -> None:
    needed = "needed more than its 64Mi of memory; ask for more with"
    ran = run_in_containers(project, HUNGRY.replace("{step}", "fit()"))
    assert failures(ran) == {"fit": f"step 'fit' {needed} resources=Resources(memory=...)"}
    ran = run_in_containers(project, HUNGRY.replace("{step}", "with_workers()"))
    assert "BrokenProcessPool" in failures(ran)["with_workers"]
    assert needed in failures(ran)["with_workers"]


SLOW = """
import signal

@step(timeout=1.5, retries=1)
def slow() -> None:
    try:
        time.sleep(60)
    finally:
        print("cleaned up")

@step(timeout=0.5)
def stubborn() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)

@step
def lingering() -> int:
    import threading
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 3

@pipeline
def main():
    {step}
"""


def test_a_step_that_takes_too_long_may_clean_up(project: Project) -> None:
    ran = run_in_containers(project, SLOW.replace("{step}", "slow()"))
    told = ran.told(StepFailed)
    assert [one.message for one in told] == ["step 'slow' took longer than 1.5 s"] * 2
    assert told[0].log == ("cleaned up",)
    assert all(one.seconds < 4 for one in told)


def test_a_step_that_does_not_stop_is_made_to(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock_local.container.GRACE_SECONDS", 0.5)
    ran = run_in_containers(project, SLOW.replace("{step}", "stubborn()"))
    assert failures(ran) == {"stubborn": "step 'stubborn' took longer than 0.5 s"}
    assert containers(store=str(project.store)) == []


def test_threads_of_a_step_do_not_hold_up_its_container(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock_local.container.GRACE_SECONDS", 0.5)
    ran = run_in_containers(project, SLOW.replace("{step}", "lingering()"))
    assert ran.value("lingering") == 3
    assert ran.result.seconds < 10


ONE = """
@step
def only() -> int:
    return 1

@pipeline
def main() -> int:
    return only()
"""


def test_a_missing_image_is_told_before_anything_runs(project: Project) -> None:
    with pytest.raises(CannotRun, match=r"^the image penstock-main:0 is not there; build it with"):
        run_in_containers(project, ONE, image="penstock-main:0")
    assert not list(project.store.glob("runs"))
    with pytest.raises(CannotRun, match=r"^step 'only' has no image to run in$"):
        project.run(ONE, "docker")


def test_an_image_that_the_user_names_is_pulled(project: Project) -> None:
    name = f"{REGISTRY}/penstock-test-{os.getpid()}/fit"
    file = project.write(ONE.replace("@step", f'@step(image="{name}:1")'))
    engine = Engine()
    engine.tag(image_with({file.stem: file.read_text()}), f"{name}:1")
    engine.push(f"{name}:1", lambda line: None)
    engine.remove(f"{name}:1")
    try:
        assert project.run(file, "docker").value("only") == 1
    finally:
        engine.remove(f"{name}:1")
        engine.close()


def test_an_image_that_cannot_be_pulled_is_told(project: Project) -> None:
    text = ONE.replace("@step", '@step(image="127.0.0.1:9/team/fit:1")')
    with pytest.raises(CannotRun, match=r"^the image 127.0.0.1:9/team/fit:1 cannot be pulled: "):
        project.run(text, "docker")


def test_an_image_that_is_removed_meanwhile_is_told(project: Project) -> None:
    with executor_for(project, project.write(ONE), "penstock-main:0") as (executor, job):
        executor.start(job)
        (told,) = executor.wait(None)
    assert isinstance(told, Failed)
    assert told.message.startswith("the image penstock-main:0 is not there; build it with")
    assert told.blame == "request"


@pytest.mark.parametrize(
    ("dockerfile", "why"),
    [
        ("ENV PATH=/nowhere\n", "it has no python3"),
        ("ENV PYTHONPATH=/app\n", "No module named penstock_runtime"),
        ("ENTRYPOINT []\nENV PYTHONHOME=/nowhere\n", "encodings"),
    ],
)
def test_an_image_that_is_not_made_for_steps_is_told(
    project: Project, dockerfile: str, why: str
) -> None:
    file = project.write(ONE)
    image = image_with({file.stem: file.read_text()}, dockerfile=dockerfile)
    ran = run_in_containers(project, file, image=image)
    message = failures(ran)["only"]
    assert message.startswith(f"the image {image} cannot run step 'only': ")
    assert why in message


def test_a_module_that_is_not_in_the_image_is_told(project: Project) -> None:
    ran = run_in_containers(project, ONE, image=image_with({"other": "x = 1"}))
    assert "there is no module" in failures(ran)["only"]


# The library of the engine leaves a socket open that could not be connected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_an_engine_nothing_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project.folder}/none.sock")
    with pytest.raises(
        CannotRun, match=r"^no Docker engine answers at unix://.*/none\.sock: is it started\?"
    ):
        run_in_containers(project, ONE, image="any:1")
    gc.collect()


SLEEPING = """
@step
def only() -> int:
    print("begins")
    time.sleep(60)
    return 1

@pipeline
def main() -> int:
    return only()
"""


def test_an_engine_that_goes_away_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.write(SLEEPING)
    image = image_with({file.stem: file.read_text()})
    with relayed_engine(project.folder / "engine.sock") as gone:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{project.folder}/engine.sock")
        with executor_for(project, file, image) as (executor, job):
            executor.start(job)
            assert [one.text for one in executor.wait(None) if isinstance(one, Line)] == ["begins"]
            (left,) = containers(store=str(project.store))
            gone.set()
            (told,) = executor.wait(None)
            assert isinstance(told, Failed)
            assert told.message == "the Docker engine went away while step 'only' was in it"
            executor.start(job)
            (told,) = executor.wait(None)
            assert isinstance(told, Failed)
    # Nobody watches it any more, so it ends by itself.
    assert left.wait(timeout=30)["StatusCode"] == 143
    left.remove(force=True)


@contextmanager
def relayed_engine(place: Path) -> Generator[threading.Event]:
    """The engine at another address; once the event is set nobody is there."""
    gone = threading.Event()
    ends: list[socket.socket] = []
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(place))
    door.listen()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                ends.append(near)
                if gone.is_set():
                    near.shutdown(socket.SHUT_RDWR)
                    continue
                far = socket.socket(socket.AF_UNIX)
                ends.append(far)
                far.connect(ENGINE)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=(one, other), daemon=True).start()

    def end() -> None:
        gone.wait()
        for one in ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    threads = [threading.Thread(target=work, daemon=True) for work in (accept, end)]
    for thread in threads:
        thread.start()
    try:
        yield gone
    finally:
        gone.set()
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        for thread in threads:
            thread.join()
        for one in ends:
            one.close()
