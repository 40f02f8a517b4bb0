"""Names as Argo and Kubernetes take them."""

from __future__ import annotations

import re

# Argo allows 128 characters for a task, and the backend appends "-driver".
LONGEST_TASK = 120
# Pods carry the workflow's name as a label of at most 63 characters; the backend appends "-" and
# five characters of its own.
LONGEST_PIPELINE = 57

_OTHER = re.compile(r"[^a-z0-9]+")
LOOP_ITEM = "loop-item"
"""The input of a loop's DAG that holds the item."""

_ARTIFACT_OF_THE_DRIVER = "executor-logs"


def safe_name(name: str) -> str:
    """The name in lower case with single dashes; empty when nothing of it is left."""
    return _OTHER.sub("-", name.lower()).strip("-")


class Unique:
    """Gives each name once: the second `data` becomes `data-2`."""

    def __init__(self) -> None:
        self._taken = {_ARTIFACT_OF_THE_DRIVER}

    def __call__(self, name: str) -> str:
        """The name, or the name with the first number that is free."""
        if name.startswith(LOOP_ITEM) or name.endswith(LOOP_ITEM):
            # The driver would look for the round that it belongs to.
            name = f"the-{name}-value"
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}-{number}"
        self._taken.add(found)
        return found
