# -*- coding: utf-8 -*-
"""Looks for the best model.

Every rate and depth is tried.

Compiled by penstock from the pipeline search in tests/golden_pipelines/search.py.
Change the pipeline and compile it again; changes made here are lost.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pendulum
from airflow.providers.docker.operators.docker import DockerOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import (
    DAG,
    Asset,
    BaseHook,
    Label,
    Param,
    TaskGroup,
    literal,
    task,
    task_group,
)
from docker.types import Mount

try:
    from airflow.sdk.exceptions import AirflowSkipException
except ImportError:  # before Airflow 3.2
    from airflow.exceptions import AirflowSkipException

STORE = "/data/penstock"
PLAN = "sha256:55aa5afebe7e5daf34f8c974d9c7c729ad4020238b57bff30123be09e4e1beb9"


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
        credentials: dict[str, tuple[str, str]] | None = None,
        item: Any = None,
        nested: bool = False,
        only_if: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.code, self.env = code, env or {}
        self.artifacts, self.parameters = artifacts or {}, parameters or {}
        self.fields, self.projections = fields or [], projections or {}
        self.credentials = credentials or {}
        self.item = item
        self.nested = nested
        self.only_if = only_if

    def execute(self, context: Any) -> Any:
        context["item"] = self.item
        if self.only_if and not self.only_if(context):
            raise AirflowSkipException("its branch was not taken")
        secrets = {name: secret(*where) for name, where in self.credentials.items()}
        self.environment = self.env | secrets | request(self, context)
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
    if step.nested:
        found["rounds"] = step.item["place"]
    found |= {"code": step.code, "inputs": inputs(step, context)}
    found["secrets"] = list(step.credentials)
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


def secret(conn_id: str, key: str) -> str:
    """A field of an Airflow connection, such as its password, or a key of its extra."""
    connection = BaseHook.get_connection(conn_id)
    if key in ("host", "login", "password", "port", "schema"):
        value = getattr(connection, key)
    else:
        value = connection.extra_dejson.get(key)
    if value is None:
        raise KeyError(f"the connection {conn_id} has no {key}")
    return str(value)


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
    loop: str | None = None

    def get(self, context: Any) -> Any:
        index = context.get("index", context["ti"].map_index)
        if self.loop is not None:
            index = context["item"]["at"][self.loop]
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

    loop: str | None = None
    keys: tuple[str | int, ...] = ()

    def get(self, context: Any) -> Any:
        found = context["item"]
        if self.loop is not None:
            found = found["items"][self.loop]
        return part(found, self.keys)


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


def around(context: Any) -> dict[str, Any]:
    """What a round of a loop knows of what is around it."""
    return {key: context[key] for key in ("ti", "params", "task")}


def part(value: Any, keys: tuple[str | int, ...]) -> Any:
    """The part of a value that the keys lead to."""
    for key in keys:
        value = value[key]
    return value


def rounds(
    context: Any, loop: str, items: Any, outer: str | None = None, only_if: Any = None
) -> list[Any]:
    """What a loop goes over, for each round of the loop around it."""
    found: list[Any] = []
    places = [{"items": {}, "at": {}, "place": []}]
    if outer is not None:
        places = context["ti"].xcom_pull(task_ids=outer)
    for one in places:
        inside = {**around(context), "item": one}
        if only_if is not None and not only_if(inside):
            continue
        for place, item in enumerate(resolved(items, inside)):
            found.append(
                {
                    "items": {**one["items"], loop: item},
                    "at": {**one["at"], loop: len(found)},
                    "place": [*one["place"], place],
                }
            )
    return found


class RunState(NamedTuple):
    """How the run has gone, as far as its other tasks tell."""

    def get(self, context: Any) -> str:
        ti = context["ti"]
        found = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
        states = found[ti.run_id].values()
        bad = {"failed", "upstream_failed"}.intersection(map(str, states))
        return "failed" if bad else "succeeded"


with DAG(
    dag_id="search",
    description="Looks for the best model.",
    doc_md=f"{__doc__}\nPlan {PLAN}\n",
    schedule="@weekly",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    tags=["search"],
    params={
        "rows": Param(3, type="integer"),
        "floor": Param(0.5, type="number"),
        "depths": Param([1, 2], type="array", items={"type": "integer"}),
    },
    default_args={
        "retries": 0,
        "image": "penstock-search:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/search.py:88
    load = StepOperator(
        task_id="load",
        code="search:load",
        parameters={"rows": RunParam("rows")},
    )

    # tests/golden_pipelines/search.py:89
    rates = StepOperator(
        task_id="rates",
        code="search:rates",
        parameters={"count": 3},
    )

    # tests/golden_pipelines/search.py:89
    @task(task_id="each_items")
    def each_items_task(**context: Any) -> list[Any]:
        return Output("rates").get(context)

    each_items = each_items_task()

    # tests/golden_pipelines/search.py:89
    @task_group(group_id="each", prefix_group_id=False)
    def each_round(item: Any) -> None:
        # tests/golden_pipelines/search.py:90
        fit = StepOperator(
            task_id="fit",
            code="search:fit",
            artifacts={"data": Output("load")},
            parameters={"rate": Item(), "depth": 1},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
        )

        # tests/golden_pipelines/search.py:91
        first = StepOperator(
            task_id="first",
            code="search:score",
            artifacts={"model": RoundOutput("fit")},
            projections={"value.auc": ["value", "auc"]},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
        )

        # tests/golden_pipelines/search.py:92
        def in_when(context: Any) -> bool:
            auc = RoundOutput("first", "value.auc").get(context)
            return auc > 0.6

        # tests/golden_pipelines/search.py:93
        prune = StepOperator(
            task_id="prune",
            code="search:prune",
            artifacts={"model": RoundOutput("fit")},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
            only_if=in_when,
        )

        # tests/golden_pipelines/search.py:94
        def in_otherwise(context: Any) -> bool:
            auc = RoundOutput("first", "value.auc").get(context)
            return not auc > 0.6

        # tests/golden_pipelines/search.py:95
        again = StepOperator(
            task_id="again",
            code="search:fit",
            artifacts={"data": Output("load")},
            parameters={"rate": Item(), "depth": 2},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
            only_if=in_otherwise,
        )

        # tests/golden_pipelines/search.py:96
        second = StepOperator(
            task_id="second",
            code="search:score",
            artifacts={"model": OneOf([RoundOutput("prune"), RoundOutput("again")])},
            item=item,
            map_index_template="{{ task.item }}",
            max_active_tis_per_dagrun=2,
            trigger_rule="none_failed",
        )

        fit >> first >> [prune, again] >> second

    each_group = each_round.expand(item=each_items)

    # tests/golden_pipelines/search.py:97
    @task(task_id="each_2_items")
    def each_2_items_task(**context: Any) -> list[Any]:
        return rounds(context, "each_2", RunParam("depths"))

    each_2_items = each_2_items_task()

    # tests/golden_pipelines/search.py:97
    @task(task_id="each_3_items")
    def each_3_items_task(**context: Any) -> list[Any]:
        return rounds(context, "each_3", [0.5, 2.0], outer="each_2_items")

    each_3_items = each_3_items_task()

    # tests/golden_pipelines/search.py:98
    grid = StepOperator.partial(
        task_id="grid",
        code="search:fit",
        artifacts={"data": Output("load")},
        parameters={"rate": Item("each_3"), "depth": Item("each_2")},
        nested=True,
        map_index_template="{{ task.item['items'] }}",
    ).expand(item=each_3_items)

    # tests/golden_pipelines/search.py:100
    tell = StepOperator.partial(
        task_id="tell",
        code="search:tell",
        parameters={"text": Item()},
        map_index_template="{{ task.item }}",
    ).expand(item=["x", literal("{{ 7*7 }}.sh")])

    # tests/golden_pipelines/search.py:101
    best = StepOperator(
        task_id="best",
        code="search:best",
        artifacts={"models": Gathered("fit"), "scores": Gathered("second")},
        trigger_rule="none_failed",
    )

    # tests/golden_pipelines/search.py:102
    with TaskGroup("chosen", tooltip="Publishes a model that is good enough."):
        # tests/golden_pipelines/search.py:72
        chosen_score = StepOperator(
            task_id="score",
            code="search:score",
            artifacts={"model": Output("best")},
            projections={"value.auc": ["value", "auc"]},
        )

        # tests/golden_pipelines/search.py:73
        @task.branch(task_id="choose")
        def chosen_choose_task(**context: Any) -> list[Any]:
            auc = Output("chosen.score", "value.auc").get(context)
            floor = RunParam("floor").get(context)
            if auc >= floor:
                return ["chosen.publish"]
            if auc > 0.1 and auc != 0.3:
                return ["chosen.keep"]
            return ["chosen.lose"]

        chosen_choose = chosen_choose_task()

        # tests/golden_pipelines/search.py:74
        chosen_publish = StepOperator(
            task_id="publish",
            code="search:publish",
            artifacts={"model": Output("best")},
            credentials={"TOKEN": ("registry", "password")},
            outlets=[Asset("penstock://search/value")],
        )

        # tests/golden_pipelines/search.py:76
        chosen_keep = StepOperator(
            task_id="keep",
            code="search:keep",
            artifacts={"model": Output("best")},
            parameters={"why": "nearly good enough"},
            outlets=[Asset("penstock://search/value")],
        )

        # tests/golden_pipelines/search.py:78
        chosen_lose = StepOperator(
            task_id="lose",
            code="search:keep",
            artifacts={"model": Output("best")},
            parameters={"why": "too bad"},
            outlets=[Asset("penstock://search/value")],
        )

    # tests/golden_pipelines/search.py:103
    report = StepOperator(
        task_id="report",
        code="search:tell",
        parameters={
            "text": OneOf(
                [
                    Output("chosen.publish"),
                    Output("chosen.keep"),
                    Output("chosen.lose"),
                ],
            ),
        },
        trigger_rule="none_failed_min_one_success",
    )

    # tests/golden_pipelines/search.py:104
    notify = StepOperator(
        task_id="notify",
        code="search:notify",
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
        parameters={
            "value": OneOf(
                [
                    Output("chosen.publish"),
                    Output("chosen.keep"),
                    Output("chosen.lose"),
                ],
            ),
        },
    ).as_teardown()

    rates >> each_items
    load >> [each_group, grid]
    each_2_items >> each_3_items
    each_group >> best >> chosen_score >> chosen_choose
    [grid, chosen_publish, chosen_keep, chosen_lose] >> report
    chosen_choose >> Label("auc >= floor") >> chosen_publish
    chosen_choose >> Label("auc > 0.1 and auc != 0.3") >> chosen_keep
    chosen_choose >> Label("otherwise") >> chosen_lose
    (
        [
            load,
            each_items,
            each_3_items,
            grid,
            tell,
            chosen_publish,
            chosen_keep,
            chosen_lose,
            report,
        ]
        >> notify
    )
    [tell, report, notify] >> done
    [notify, done] >> record
