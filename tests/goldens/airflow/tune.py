# -*- coding: utf-8 -*-
"""Fits one model for each row, and takes the best.

Compiled by penstock from the pipeline tune in tests/golden_pipelines/tune.py.
Change the pipeline and compile it again; changes made here are lost.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, Label, Param, TaskGroup, task, task_group
from docker.types import Mount

try:
    from airflow.sdk.exceptions import AirflowSkipException
except ImportError:  # before Airflow 3.2
    from airflow.exceptions import AirflowSkipException

STORE = "/data/penstock"
PLAN = "sha256:dd736de89e6ac74fdef412ccc065f78ca878bebd5222682e5ae606a7b3d78ac0"


class StepOperator(DockerOperator):
    """Runs one step in a container; its XCom is the JSON that the step wrote."""

    # DockerOperator reads retrieve_output_path with this; its own choice is pickle.
    pickling_library = json
    template_fields = (*DockerOperator.template_fields, "item")

    def __init__(
        self,
        *,
        code: str = "",
        artifacts: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
        fields: list[str] | None = None,
        projections: dict[str, list[str | int]] | None = None,
        env: dict[str, str] | None = None,
        item: Any = None,
        only_if: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.code, self.env = code, env or {}
        self.artifacts, self.parameters = artifacts or {}, parameters or {}
        self.fields, self.projections = fields or [], projections or {}
        self.item = item
        self.only_if = only_if

    def execute(self, context: Any) -> Any:
        context["item"] = self.item
        if self.only_if and not self.only_if(context):
            raise AirflowSkipException("its branch was not taken")
        self.environment = self.env | request(self, context)
        return super().execute(context)


def request(step: StepOperator, context: Any) -> dict[str, str]:
    """What a step must know, as JSON in variables: no template and no shell sees it."""
    ti = context["ti"]
    found = {
        "format": 1,
        "pipeline": ti.dag_id,
        "run": ti.run_id,
        "plan": PLAN,
        "step": ti.task_id,
        "rounds": [] if ti.map_index < 0 else [ti.map_index],
        "attempt": ti.try_number,
        "store": STORE,
        "parameters": dict(context["params"]),
    }
    if not step.code:
        state = RunState().get(context)
        outputs = inputs(step, context) if state == "succeeded" else {}
        return variables({**found, "status": state, "outputs": outputs})
    found |= {"code": step.code, "inputs": inputs(step, context)}
    return variables({**found, "fields": step.fields, "projections": step.projections})


def variables(found: dict[str, Any]) -> dict[str, str]:
    """The JSON in parts: Linux takes at most 131,071 bytes in one variable."""
    text, size = json.dumps(found), 100_000
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    more = (f"PENSTOCK_REQUEST_{number}" for number in range(1, len(parts)))
    return dict(zip(["PENSTOCK_REQUEST", *more], parts))


def inputs(step: StepOperator, context: Any) -> dict[str, Any]:
    """The inputs of a step: values, and references of what is in the store."""
    given: dict[str, Any] = {}
    for name, value in step.parameters.items():
        given[name] = {"value": resolved(value, context)}
    for name, value in step.artifacts.items():
        found = resolved(value, context)
        if isinstance(found, list):
            given[name] = {"list": [{"artifact": one} for one in found]}
        else:
            given[name] = {"artifact": found}
    return given


def resolved(value: Any, context: Any) -> Any:
    """What a reference stands for; what is no reference is a value itself."""
    return value.get(context) if isinstance(value, tuple) else value


class Output(NamedTuple):
    """What another task has put out under a name."""

    task_id: str
    name: str = "value"

    def get(self, context: Any) -> Any:
        found = context["ti"].xcom_pull(task_ids=self.task_id)
        if found is None:
            raise AirflowSkipException(f"{self.task_id} was skipped")
        return found[self.name]


class RoundOutput(NamedTuple):
    """What another task has put out in the same round of a loop."""

    task_id: str
    name: str = "value"

    def get(self, context: Any) -> Any:
        index = context["ti"].map_index
        found = context["ti"].xcom_pull(task_ids=self.task_id, map_indexes=index)
        if found is None:
            raise AirflowSkipException(f"{self.task_id} was skipped")
        return found[self.name]


class Gathered(NamedTuple):
    """What a task has put out in each round of its loop, or in one of them."""

    task_id: str
    name: str = "value"
    at: int | None = None

    def get(self, context: Any) -> Any:
        rounds = context["ti"].xcom_pull(task_ids=[self.task_id])
        found = [one[self.name] for one in rounds if one is not None]
        return found if self.at is None else found[self.at]


class RunParam(NamedTuple):
    """A parameter of the run, or the part of it that the keys lead to."""

    name: str
    keys: tuple[str | int, ...] = ()

    def get(self, context: Any) -> Any:
        return part(context["params"][self.name], self.keys)


class Item(NamedTuple):
    """What the loop is at, or the part of it that the keys lead to."""

    keys: tuple[str | int, ...] = ()

    def get(self, context: Any) -> Any:
        return part(context["item"], self.keys)


class OneOf(NamedTuple):
    """The value of whichever branch ran."""

    values: list[Any]

    def get(self, context: Any) -> Any:
        for one in self.values:
            try:
                return resolved(one, context)
            except AirflowSkipException:
                continue
        raise AirflowSkipException("no branch ran")


class Listing(NamedTuple):
    """A list of what comes from different places."""

    values: list[Any]

    def get(self, context: Any) -> Any:
        return [resolved(one, context) for one in self.values]


def part(value: Any, keys: tuple[str | int, ...]) -> Any:
    """The part of a value that the keys lead to."""
    for key in keys:
        value = value[key]
    return value


class RunState(NamedTuple):
    """How the run has gone, as far as its other tasks tell."""

    def get(self, context: Any) -> str:
        ti = context["ti"]
        found = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
        states = found[ti.run_id].values()
        bad = {"failed", "upstream_failed"}.intersection(map(str, states))
        return "failed" if bad else "succeeded"


with DAG(
    dag_id="tune",
    description="Fits one model for each row, and takes the best.",
    doc_md=f"{__doc__}\nPlan {PLAN}\n",
    schedule=None,
    params={
        "count": Param(3, type="integer"),
        "mode": Param("polish", type="string"),
        "settings": Param(
            {"names": ["a", "b"]},
            type="object",
            additionalProperties={"type": "array", "items": {"type": "string"}},
        ),
    },
    default_args={
        "retries": 0,
        "image": "penstock-tune:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/tune.py:77
    rows = StepOperator(
        task_id="rows",
        code="tune:rows",
        parameters={"count": RunParam("count")},
        projections={"value.0": ["value", 0]},
    )

    # tests/golden_pipelines/tune.py:78
    @task(task_id="each_items")
    def each_items_task(**context: Any) -> list[Any]:
        return Output("rows").get(context)

    each_items = each_items_task()

    # tests/golden_pipelines/tune.py:78
    @task_group(group_id="each", prefix_group_id=False)
    def each_round(item: Any) -> None:
        # tests/golden_pipelines/tune.py:79
        fit = StepOperator(
            task_id="fit",
            code="tune:fit",
            parameters={"start": Item(), "rate": 0.5},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
        )

        # tests/golden_pipelines/tune.py:80
        score = StepOperator(
            task_id="score",
            code="tune:score",
            artifacts={"model": RoundOutput("fit")},
            projections={"value.size": ["value", "size"]},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
        )

        fit >> score

    each_group = each_round.expand(item=each_items)

    # tests/golden_pipelines/tune.py:81
    best = StepOperator(
        task_id="best",
        code="tune:best",
        artifacts={"models": Gathered("fit")},
        parameters={"sizes": Gathered("score", "value.size")},
        trigger_rule="none_failed",
    )

    # tests/golden_pipelines/tune.py:81
    with TaskGroup("choose", tooltip="Polishes a model, if that is wanted."):
        # tests/golden_pipelines/tune.py:61
        @task.branch(task_id="choose")
        def choose_choose_task(**context: Any) -> list[Any]:
            mode = RunParam("mode").get(context)
            if mode == "polish":
                return ["choose.polished"]
            if mode == "plain":
                return ["choose.plain"]
            return ["choose.as_it_is"]

        choose_choose = choose_choose_task()

        # tests/golden_pipelines/tune.py:62
        choose_polished = StepOperator(
            task_id="polished",
            code="tune:polished",
            artifacts={"model": Output("best")},
        )

        # tests/golden_pipelines/tune.py:64
        choose_plain = StepOperator(
            task_id="plain",
            code="tune:plain",
            artifacts={"model": Output("best")},
        )

        # tests/golden_pipelines/tune.py:66
        choose_as_it_is = StepOperator(
            task_id="as_it_is",
            code="tune:plain",
            artifacts={"model": Output("best")},
        )

    # tests/golden_pipelines/tune.py:82
    @task(task_id="each_2_items")
    def each_2_items_task(**context: Any) -> list[Any]:
        return RunParam("settings", keys=("names",)).get(context)

    each_2_items = each_2_items_task()

    # tests/golden_pipelines/tune.py:82
    @task_group(group_id="each_2", prefix_group_id=False)
    def each_2_round(item: Any) -> None:
        # tests/golden_pipelines/tune.py:82
        def in_when(context: Any) -> bool:
            count = RunParam("count").get(context)
            return count > 2

        # tests/golden_pipelines/tune.py:83
        StepOperator(
            task_id="tell",
            code="tune:told",
            artifacts={
                "model": OneOf(
                    [
                        Output("choose.polished"),
                        Output("choose.plain"),
                        Output("choose.as_it_is"),
                    ],
                ),
            },
            parameters={
                "names": Listing([Item(), "{{ x }}"]),
                "first": RunParam("count"),
            },
            item=item,
            map_index_template="{{ task.item }}",
            only_if=in_when,
            trigger_rule="none_failed",
        )

    each_2_group = each_2_round.expand(item=each_2_items)

    # tests/golden_pipelines/tune.py:84
    end = StepOperator(
        task_id="end",
        code="tune:told",
        artifacts={
            "model": OneOf(
                [
                    Output("choose.polished"),
                    Output("choose.plain"),
                    Output("choose.as_it_is"),
                ],
            ),
        },
        parameters={
            "names": RunParam("settings", keys=("names",)),
            "first": Output("rows", "value.0"),
        },
        trigger_rule="none_failed_min_one_success",
        outlets=[Asset("penstock://tune/value")],
    )

    # tests/golden_pipelines/tune.py:85
    notify = StepOperator(
        task_id="notify",
        code="tune:notify",
        parameters={"channel": "#ml", "status": RunState()},
    ).as_teardown()

    # A handler that fails makes the run fail, too.
    done = EmptyOperator(
        task_id="done",
        trigger_rule="none_failed",
    )

    # The run's entry in the store: its state, and what the pipeline returns.
    record = StepOperator(
        task_id="record",
        command=["python", "-m", "penstock_runtime", "airflow", "end"],
        parameters={"value": Output("end")},
    ).as_teardown()

    rows >> each_items
    each_group >> best >> [choose_polished, choose_plain, choose_as_it_is]
    [choose_polished, choose_plain, choose_as_it_is] >> each_2_group
    [rows, choose_polished, choose_plain, choose_as_it_is] >> end
    choose_choose >> Label('mode == "polish"') >> choose_polished
    choose_choose >> Label('mode == "plain"') >> choose_plain
    choose_choose >> Label("otherwise") >> choose_as_it_is
    (
        [
            best,
            choose_choose,
            choose_polished,
            choose_plain,
            choose_as_it_is,
            each_2_items,
            each_2_group,
            end,
        ]
        >> notify
    )
    [each_2_group, end, notify] >> done
    [notify, done] >> record
