"""Records of a run: each one JSON object, written once, never changed."""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from penstock_runtime.curves import lines_of
from penstock_runtime.request import check_attempt, check_label, check_run
from penstock_runtime.run_id import new_run_id, run_folder
from penstock_runtime.sealing import read_record, sealed
from penstock_runtime.store import Store

_COMMIT = re.compile(r"commit(-[1-9][0-9]*)?\.json")
_END = re.compile(r"99-end(?:-([1-9][0-9]*))?\.json")


class RunRecords:
    """The writer of one run's records. Every method raises StoreError when the store fails.

    Any number of writers may write the same run: the first one of a record wins, and `commit`
    of a step is its only commit point.
    """

    def __init__(self, store: Store, run: str) -> None:
        self._store = store
        self._run = check_run(run)
        self._folder = run_folder(run)

    def start(self, facts: Mapping[str, Any]) -> bool:
        """`00-start.json`: who, what, when. False if the run has one already."""
        return self._create("00-start.json", facts)

    def step_started(self, step: str, attempt: int, facts: Mapping[str, Any]) -> None:
        """`steps/<step>/<attempt>/start-<uuid>.json`: this attempt has begun."""
        # It need not outlive a power cut: only the commit says that something is done.
        self._create(f"{_attempt(step, attempt)}/start-{new_run_id()}.json", facts, durable=False)

    def step_failed(self, step: str, attempt: int, facts: Mapping[str, Any]) -> None:
        """`steps/<step>/<attempt>/fail-<uuid>.json`: this attempt is over, without outputs."""
        self._create(f"{_attempt(step, attempt)}/fail-{new_run_id()}.json", facts)

    def commit(self, step: str, facts: Mapping[str, Any], *, durable: bool = True) -> bool:
        """`steps/<step>/commit.json`: the step is done. False if another writer was first."""
        name = f"steps/{check_label(step, 'step')}/commit.json"
        return self._create(name, facts, durable=durable)

    def committed(self, step: str) -> dict[str, Any] | None:
        """The commit of a step; None if it has none yet."""
        return self._read(f"steps/{check_label(step, 'step')}/commit.json")

    def commit_again(self, step: str, attempt: int, facts: Mapping[str, Any]) -> bool:
        """`steps/<step>/commit-<attempt>.json`: done once more, after someone had it repeated."""
        return self._create(f"steps/{check_label(step, 'step')}/{_again(attempt)}", facts)

    def committed_again(self, step: str, attempt: int) -> dict[str, Any] | None:
        """The commit of a repeated attempt; None if it has none."""
        return self._read(f"steps/{check_label(step, 'step')}/{_again(attempt)}")

    def latest(self, step: str) -> dict[str, Any] | None:
        """The commit that counts: that of the last attempt. None if the step has none."""
        found: dict[str, Any] | None = None
        for name in commits_in(self._store.names(f"{self._folder}/steps/{step}")):
            one = self._read(f"steps/{check_label(step, 'step')}/{name}")
            if one is not None and (found is None or _tried(one) >= _tried(found)):
                found = one
        return found

    def steps(self) -> list[str]:
        """The steps that have records."""
        return self._store.names(f"{self._folder}/steps")

    def failures(self, step: str) -> list[dict[str, Any]]:
        """The records of attempts that failed, as they came."""
        folder = f"steps/{check_label(step, 'step')}"
        attempts = [one for one in self._store.names(f"{self._folder}/{folder}") if one.isdecimal()]
        found: list[dict[str, Any]] = []
        for attempt in sorted(attempts, key=int):
            for name in self._store.names(f"{self._folder}/{folder}/{attempt}"):
                if name.startswith("fail-") and (one := self._read(f"{folder}/{attempt}/{name}")):
                    found.append(one)
        return found

    def next_attempt(self, step: str) -> int:
        """The number that an attempt of the step has after those with records, from 1."""
        names = self._store.names(f"{self._folder}/steps/{check_label(step, 'step')}")
        numbers = [int(one) for one in names if one.isdecimal()]
        done = [_tried(one) for one in (self.latest(step),) if one is not None]
        return max((0, *numbers, *done)) + 1

    def curve(self, step: str, attempt: int, number: int, points: list[dict[str, Any]]) -> bool:
        """`metrics/<step>-<attempt>-<number>.jsonl`: points of curves, one a line.

        False if there is such a record already.
        """
        _attempt(step, attempt)
        name = f"{self._folder}/metrics/{step}-{attempt}-{number}.jsonl"
        return self._store.create(name, lines_of(self._run, points))

    def heartbeat(self, step: str, attempt: int, number: int) -> None:
        """`steps/<step>/<attempt>/hb/<n>.json`: the step still runs; it replaces the one before."""
        folder = f"{_attempt(step, attempt)}/hb"
        self._create(f"{folder}/{number}.json", {"time": utc_now()}, durable=False)
        self.no_heartbeat(step, attempt, number - 1)

    def no_heartbeat(self, step: str, attempt: int, number: int) -> None:
        """Remove a heartbeat: the step is over, or has written the next."""
        self._store.remove(f"{self._folder}/{_attempt(step, attempt)}/hb/{number}.json")

    def note(self, facts: Mapping[str, Any]) -> None:
        """`notes/<uuid>.json`: something that happened to the run later."""
        self._create(f"notes/{new_run_id()}.json", facts)

    def started(self) -> dict[str, Any] | None:
        """`00-start.json`; None if there is none. Raises StoreError when it is damaged."""
        return self._read("00-start.json")

    def age(self) -> float | None:
        """How many seconds ago the run began, by the store's own clock."""
        return self._store.age(f"{self._folder}/00-start.json")

    def ended(self) -> dict[str, Any] | None:
        """`99-end.json`; None if the run has not ended. Raises StoreError when it is damaged."""
        return self._read("99-end.json")

    def end(self, facts: Mapping[str, Any]) -> bool:
        """`99-end.json`: how it ended. False if the run has one already."""
        return self._create("99-end.json", facts)

    def end_again(self, attempt: int, facts: Mapping[str, Any]) -> bool:
        """`99-end-<attempt>.json`: it has ended once more, after someone had steps repeated."""
        return self._create(f"99-end-{check_attempt(attempt)}.json", facts)

    def _read(self, name: str) -> dict[str, Any] | None:
        return read_record(self._store, f"{self._folder}/{name}")

    def _create(self, name: str, facts: Mapping[str, Any], *, durable: bool = True) -> bool:
        record = sealed({"run": self._run, **facts})
        return self._store.create(f"{self._folder}/{name}", record, durable=durable)


class Stopwatch:
    """Wall time for people, the monotonic clock for durations: clocks of machines jump."""

    def __init__(self) -> None:
        self.started = utc_now()
        self._begin = self._last = time.monotonic()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """The time since the last lap belongs to this name."""
        now = time.monotonic()
        self._laps[name] = round(now - self._last, 6)
        self._last = now

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.monotonic() - self._begin

    def times(self) -> dict[str, Any]:
        """`started`, `ended` (UTC) and `durations` in seconds, for a record."""
        total = round(time.monotonic() - self._begin, 6)
        return {
            "started": self.started,
            "ended": utc_now(),
            "durations": {**self._laps, "total": total},
        }


def utc_now() -> str:
    """The time in UTC, to the millisecond, such as `2026-01-02T03:04:05.678Z`."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{nanoseconds // 1_000_000:03d}Z"


def commits_in(names: Iterable[str]) -> list[str]:
    """Those of the files of a step that are commits, the first one first."""
    return sorted(name for name in names if _COMMIT.fullmatch(name))


def ends_in(names: Iterable[str]) -> list[str]:
    """Those of the files of a run that tell its end, the last one last."""
    found = [match for name in names if (match := _END.fullmatch(name))]
    return [one[0] for one in sorted(found, key=lambda one: int(one[1] or 0))]


def _again(attempt: int) -> str:
    return f"commit-{check_attempt(attempt)}.json"


def _tried(commit: Mapping[str, Any]) -> int:
    found = commit.get("attempt")
    return found if isinstance(found, int) else 1


def _attempt(step: str, attempt: int) -> str:
    return f"steps/{check_label(step, 'step')}/{check_attempt(attempt)}"
