"""Runs one step: load the inputs, call the user's code, store the outputs, commit."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

from penstock_runtime.artifacts import load_value, save_value
from penstock_runtime.context import ActiveRun, CurveSink, active
from penstock_runtime.errors import BadRequest, LibraryMissing, StepFailed, StoreError
from penstock_runtime.heartbeat import beating
from penstock_runtime.hints import Hint, plain
from penstock_runtime.opening import open_store
from penstock_runtime.outputs import (
    metrics_in,
    named_outputs,
    parameter_json,
    plain_metrics,
    project,
)
from penstock_runtime.parameters import coerce, is_parameter
from penstock_runtime.records import RunRecords, Stopwatch
from penstock_runtime.redaction import Redactor, without_secrets
from penstock_runtime.reference import Artifact, Constant, Value, value_to_json
from penstock_runtime.request import Request
from penstock_runtime.response import Response, response_from
from penstock_runtime.store import Store
from penstock_runtime.target import Target, environment, find_target

_SLOW = 0.02
"""After so many seconds of imports and inputs it is looked again whether the step is done."""


def execute(
    request: Request,
    store: Store | None = None,
    *,
    trusted: bool = True,
    announce: bool = False,
    repeat: bool = False,
) -> Response:
    """Run the step that a request describes, and commit it.

    A step of this run that is committed already, with the same code and inputs, is not called
    again: its outputs are adopted. With `repeat` only this very attempt counts as done: an
    orchestrator that tries again, or was told to by a person, wants the step to run. `trusted`
    says that the input artifacts come from this store's runs; `announce` writes a record when
    the step starts.

    Raises StepFailed (the user's code), BadRequest (the request), StoreError (the store).
    Nothing is published unless the whole step succeeded.
    """
    store = store or open_store(request.store)
    records = RunRecords(store, request.run)

    def done_before() -> Response | None:
        return _of_this_attempt(records, request) if repeat else _adopted(records, request)

    done = done_before()
    if done is not None:
        return done
    watch = Stopwatch()
    run = ActiveRun(
        request.run,
        request.step,
        request.attempt,
        request.orchestrator_run,
        sink=curve_sink(records, request),
    )
    if announce:
        records.step_started(request.step, request.attempt, _attempt_facts(request, watch))
    try:
        with beating(records, request.step, request.attempt):
            response = _run(request, store, run, watch, trusted, done_before)
        run.flush()
    except _DoneMeanwhile as meanwhile:
        return meanwhile.response
    except (StepFailed, BadRequest, StoreError, SystemExit, KeyboardInterrupt) as error:
        record_failure(records, request, watch, run, error)
        raise
    return _committed(request, records, watch, run, response, repeat=repeat)


class _DoneMeanwhile(Exception):
    """Another runner has committed the step while this one was getting ready for it."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _run(
    request: Request,
    store: Store,
    run: ActiveRun,
    watch: Stopwatch,
    trusted: bool,
    done_before: Callable[[], Response | None],
) -> Response:
    with environment(request.env):
        target = find_target(request.step, request.code, request.path)
        with _scratch(request, target, store) as scratch:
            values = load_inputs(request.inputs, target, store, scratch, trusted=trusted)
            # The worker of a runner that was killed may have ended its step in the meantime.
            if watch.seconds > _SLOW and (done := done_before()) is not None:
                raise _DoneMeanwhile(done)
            watch.lap("load")
            fields = {name: values.pop(name) for name in request.fields}
            with active(run):
                result = target(fields, values)
            watch.lap("run")
            outputs = named_outputs(request.step, target.output_hints, result)
            response = Response(
                outputs=_stored(request.step, target, outputs, store, scratch),
                projections=project(request.step, outputs, request.projections),
                metrics=plain_metrics({**run.metrics, **metrics_in(outputs)}),
            )
            watch.lap("store")
    return response


def _scratch(request: Request, target: Target, store: Store) -> AbstractContextManager[Path]:
    """A folder for artifacts on their way; a step of parameters alone needs none."""
    small = all(isinstance(value, Constant) for value in request.inputs.values())
    if small and all(map(is_parameter, target.output_hints.values())):
        return nullcontext(Path(os.devnull))
    return store.scratch()


def load_inputs(
    inputs: Mapping[str, Value], target: Target, store: Store, scratch: Path, *, trusted: bool
) -> dict[str, Any]:
    """The inputs of a step as its annotations ask. Raises StepFailed, BadRequest, StoreError."""
    loaded: dict[str, Any] = {}
    for number, (name, value) in enumerate(inputs.items()):
        hint = target.input_hints.get(name, Any)
        with loading(target.step, name, value):
            loaded[name] = _loaded(value, hint, store, scratch / f"in{number}", trusted)
    return loaded


class loading:
    """Name the input in whatever goes wrong while it is loaded."""

    def __init__(self, step: str, name: str, value: Value) -> None:
        self._where = f"input {name!r} of step {step!r}"
        self._constant = isinstance(value, Constant)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, (StoreError, BadRequest)):
            return
        if self._constant:
            raise BadRequest(f"{self._where}: {error}") from error
        raise StepFailed(f"{self._where} cannot be loaded: {_told(error)}") from error


def item_hint(hint: Hint) -> Hint:
    """The annotation of the items of a list; Any when it does not tell."""
    import typing

    arguments = typing.get_args(plain(hint))
    return arguments[0] if len(arguments) == 1 else Any


def _loaded(value: Value, hint: Hint, store: Store, path: Path, trusted: bool) -> Any:
    if isinstance(value, Constant):
        return coerce(value.value, hint)
    if isinstance(value, Artifact):
        return load_value(value.ref, hint, store, path, trusted=trusted)
    each = item_hint(hint)
    return [
        _loaded(item, each, store, path.with_name(f"{path.name}-{number}"), trusted)
        for number, item in enumerate(value.items)
    ]


def _stored(
    step: str, target: Target, outputs: Mapping[str, Any], store: Store, scratch: Path
) -> dict[str, Value]:
    stored: dict[str, Value] = {}
    for number, (name, value) in enumerate(outputs.items()):
        hint = target.output_hints[name]
        if is_parameter(hint):
            stored[name] = Constant(parameter_json(step, name, value, hint))
            continue
        try:
            stored[name] = Artifact(save_value(value, store, scratch / f"out{number}"))
        except StoreError:
            raise
        except Exception as error:  # of the user's type, or of the library that writes it
            raise cannot_store(step, name, value, error) from error
    return stored


def cannot_store(step: str, name: str, value: object, error: Exception) -> StepFailed:
    """The output cannot be saved by the materializer of its type: the user has to act."""
    return StepFailed(
        f"output {name!r} of step {step!r} ({type(value).__name__}) cannot be stored: "
        f"{_told(error)}"
    )


def _told(error: Exception) -> str:
    if isinstance(error, LibraryMissing):
        return str(error)  # a whole sentence
    return f"{type(error).__name__}: {error}"


def _committed(
    request: Request,
    records: RunRecords,
    watch: Stopwatch,
    run: ActiveRun,
    response: Response,
    *,
    repeat: bool,
) -> Response:
    redact = Redactor(request.env[name] for name in request.secrets)
    facts = commit_facts(request, watch, response, without_secrets(run.metadata, redact))
    if records.commit(request.step, facts):
        return response
    if not repeat:
        # Another runner of the same run was faster: what it committed is what happened.
        return adopted(records, request)
    done = _of_this_attempt(records, request)
    if done is None and records.commit_again(request.step, request.attempt, facts):
        return response
    return done or adopted_again(records, request)


def _of_this_attempt(records: RunRecords, request: Request) -> Response | None:
    """What was committed by this attempt, if two containers of it have run."""
    for found in (
        records.committed(request.step),
        records.committed_again(request.step, request.attempt),
    ):
        if found is not None and found.get("attempt") == request.attempt:
            return _response_in(found, request)
    return None


def adopted_again(records: RunRecords, request: Request) -> Response:
    """What another container of the same attempt has committed. Raises StoreError."""
    found = _of_this_attempt(records, request)
    if found is None:
        raise StoreError(f"the commit of step {request.step!r} was refused but cannot be read")
    return found


def commit_facts(
    request: Request, watch: Stopwatch, response: Response, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """The commit of a step: what it was given, what it gave, and how long that took."""
    return {
        **_attempt_facts(request, watch),
        **watch.times(),
        "status": "succeeded",
        "inputs": {name: value_to_json(value) for name, value in request.inputs.items()},
        "fields": list(request.fields),
        **{key: value for key, value in response.to_json().items() if key != "format"},
        "metadata": dict(metadata),
        **({"cache": dict(request.cache)} if request.cache else {}),
    }


def adopted(records: RunRecords, request: Request) -> Response:
    """What another runner of the run has committed for this step. Raises StoreError, BadRequest."""
    found = _adopted(records, request)
    if found is None:
        raise StoreError(f"the commit of step {request.step!r} was refused but cannot be read")
    return found


def _adopted(records: RunRecords, request: Request) -> Response | None:
    found = records.committed(request.step)
    if found is None:
        return None
    inputs = {name: value_to_json(value) for name, value in request.inputs.items()}
    if found.get("inputs") != inputs or found.get("code") != request.code:
        raise BadRequest(
            f"step {request.step!r} of run {request.run} is committed already, with other "
            "inputs or code; give every instance of a step a name of its own"
        )
    return _response_in(found, request)


def _response_in(commit: Mapping[str, Any], request: Request) -> Response:
    try:
        return response_from(commit)
    except BadRequest as error:
        raise StoreError(f"the commit of step {request.step!r} is damaged: {error}") from error


def _attempt_facts(request: Request, watch: Stopwatch) -> dict[str, Any]:
    return {
        "step": request.step,
        "attempt": request.attempt,
        "code": request.code,
        "started": watch.started,
        "host": os.uname().nodename,
        **({"orchestrator_run": request.orchestrator_run} if request.orchestrator_run else {}),
    }


def record_failure(
    records: RunRecords,
    request: Request,
    watch: Stopwatch,
    run: ActiveRun,
    error: BaseException,
) -> None:
    """Record why an attempt has failed; a store that fails is noted at the error."""
    redact = Redactor(request.env[name] for name in request.secrets)
    cause = error.__cause__ if isinstance(error, StepFailed) and error.__cause__ else error
    facts = {
        **_attempt_facts(request, watch),
        **watch.times(),
        "status": "failed" if isinstance(error, Exception) else "cancelled",
        "error": {
            "class": f"{type(cause).__module__}:{type(cause).__qualname__}",
            "message": redact(str(error)),
            "traceback": redact(error.trace) if isinstance(error, StepFailed) else "",
        },
    }
    try:
        records.step_failed(request.step, request.attempt, facts)
        run.flush()
    except StoreError as second:
        error.add_note(f"the failure could not be recorded: {second}")


def curve_sink(records: RunRecords, request: Request) -> CurveSink:
    """What writes the points of curves that an attempt logs."""
    numbers = count()

    def write(points: list[dict[str, Any]]) -> None:
        # Another runner at the same attempt may have taken a number; no point may be lost.
        while not records.curve(request.step, request.attempt, next(numbers), points):
            continue

    return write
