"""Run by the Python of the kfp environment: the real client against the test's server.

usage: kubeflow_client.py HOST TOKEN SPEC
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """What a user of the SDK does: upload, a version, an experiment, a run, a recurring run."""
    host, token, spec = sys.argv[1:]
    kfp: Any = import_module("kfp")
    client = kfp.Client(host=host, existing_token=token)
    pipeline = client.upload_pipeline(spec, pipeline_name="theirs")
    version = client.upload_pipeline_version(
        spec, pipeline_version_name="theirs-2", pipeline_id=pipeline.pipeline_id
    )
    experiment = client.create_experiment("theirs")
    run = client.run_pipeline(
        experiment.experiment_id,
        "job",
        params={"name": "x"},
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
    )
    again = client.create_recurring_run(
        experiment.experiment_id,
        "weekly",
        cron_expression="0 0 6 * * 1",
        params={"name": "x"},
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
    )
    found = client.get_run(run.run_id)
    known = client.get_pipeline_id("hello")
    listed: Any = client.list_runs(page_size=50, sort_by="created_at desc")
    print(
        json.dumps(
            {
                "version": kfp.__version__,
                "state": found.state,
                "recurring": again.recurring_run_id,
                "hello": known,
                "runs": [one.display_name for one in listed.runs],
            }
        )
    )


if __name__ == "__main__":
    main()
