# -*- coding: utf-8 -*-
"""Builds a vocabulary on three quarters of the texts and tries it on the rest.

Compiled by penstock from the pipeline text_tokens in examples/text_tokens.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:69d9710b19c372423cbd8a0c4c153913e655e9f814fb091d9e99186a0c10fda2
"""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG, Param, literal
from docker.types import Mount

STORE = "/data/penstock"


class StepOperator(DockerOperator):
    """Runs one step in a container; its XCom is the JSON that the step wrote."""

    # DockerOperator reads retrieve_output_path with this; its own choice is pickle.
    pickling_library = json


class Template(str):
    """Text that Airflow renders before a step starts."""


def param(name: str, *keys: str | int) -> Template:
    """A parameter of the run, or the part of it that the keys lead to."""
    path = "".join(f"[{key!r}]" for key in (name, *keys))
    return Template("{{ params" + path + " | tojson }}")


def output(task_id: str, name: str = "value") -> Template:
    """What another task has put out under a name."""
    xcom = f"ti.xcom_pull(task_ids={task_id!r})[{name!r}]"
    return Template("{{ " + xcom + " | tojson }}")


def step(
    code: str,
    *,
    artifacts: dict[str, Template] | None = None,
    params: dict[str, Any] | None = None,
    fields: list[str] | None = None,
    projections: dict[str, list[str | int]] | None = None,
    env: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The environment of a step: what it runs, and its inputs as JSON.

    Airflow renders the templates; every other value arrives as it is written here.
    """
    environment: dict[str, Any] = {
        "PENSTOCK_CODE": literal(code),
        "PENSTOCK_STORE": literal(STORE),
        "PENSTOCK_PIPELINE": "{{ dag.dag_id }}",
        "PENSTOCK_RUN": "{{ run_id }}",
        "PENSTOCK_STEP": "{{ ti.task_id }}",
        "PENSTOCK_ATTEMPT": "{{ ti.try_number }}",
    }
    for name, template in (artifacts or {}).items():
        environment[f"PENSTOCK_ARTIFACT_{name}"] = template
    for name, value in (params or {}).items():
        if not isinstance(value, Template):
            value = literal(json.dumps(value))
        environment[f"PENSTOCK_PARAM_{name}"] = value
    if fields:
        environment["PENSTOCK_FIELDS"] = ",".join(fields)
    if projections:
        environment["PENSTOCK_PROJECTIONS"] = literal(json.dumps(projections))
    for name, text in (env or {}).items():
        environment[name] = literal(text)
    return environment


with DAG(
    dag_id="text_tokens",
    description=(
        "Builds a vocabulary on three quarters of the texts and tries it on the rest."
    ),
    doc_md=__doc__,
    schedule=None,
    tags=["example", "text"],
    params={
        "size": Param(500, type="integer", minimum=1, maximum=100000),
    },
    default_args={
        "retries": 0,
        "image": "penstock-text-tokens:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # examples/text_tokens.py:73
    manuals = StepOperator(
        task_id="Manuals",
        environment=step("text_tokens:Manuals", params={"limit": 40}, fields=["limit"]),
        doc_md="Reads what modules of Python say of themselves.",
    )

    # examples/text_tokens.py:73
    every_fourth = StepOperator(
        task_id="EveryFourth",
        environment=step(
            "text_tokens:EveryFourth",
            params={"texts": output("Manuals")},
        ),
        doc_md="Keeps every fourth text apart.",
    )

    # examples/text_tokens.py:74
    learn = StepOperator(
        task_id="learn",
        environment=step(
            "text_tokens:learn",
            params={"texts": output("EveryFourth", "train"), "size": param("size")},
        ),
        doc_md="Numbers the most frequent words, the most frequent first.",
    )

    # examples/text_tokens.py:75
    tokenize = StepOperator(
        task_id="Tokenize",
        environment=step(
            "text_tokens:Tokenize",
            params={
                "texts": output("EveryFourth", "test"),
                "vocabulary": output("learn"),
            },
        ),
        doc_md=(
            "Turns each text into numbers; a word that is not in the vocabulary "
            "becomes 0."
        ),
    )

    # examples/text_tokens.py:76
    measure = StepOperator(
        task_id="measure",
        environment=step(
            "text_tokens:measure",
            params={
                "texts": output("EveryFourth", "test"),
                "tokens": output("Tokenize"),
            },
        ),
        doc_md=(
            "How many words the vocabulary knows, and how many characters a token "
            "stands for."
        ),
    )

    manuals >> every_fourth >> learn
    [every_fourth, learn] >> tokenize
    [every_fourth, tokenize] >> measure
