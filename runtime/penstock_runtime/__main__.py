"""The program inside every image: `python -m penstock_runtime [REQUEST.json | -] [--result PATH]`.

`python -m penstock_runtime airflow` and `... kubeflow` take the request in the convention of
that host, `... watched` from who watches its container; `... import CODE ...` only imports steps.
Exit codes: 0 done, 1 the user's code raised, 2 bad request, 3 the store failed.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step as the command line says; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["watched"]:
        from penstock_runtime.hosts import watched

        return watched.run()
    from penstock_runtime.hosts.process import guarded

    # A host's module is imported when it is asked for: every millisecond counts in a container.
    if given[:1] == ["airflow"]:
        from penstock_runtime.hosts import airflow

        return guarded(airflow.run, given[1:])
    if given[:1] == ["kubeflow"]:
        from penstock_runtime.hosts import kubeflow

        return guarded(kubeflow.run, given[1:])
    if given[:1] == ["import"]:
        from penstock_runtime.hosts import importing

        return guarded(importing.run, given[1:])
    from penstock_runtime.hosts import plain

    return guarded(plain.run, given)


if __name__ == "__main__":
    sys.exit(main())
