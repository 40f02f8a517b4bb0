"""The Dockerfiles: of an environment, and of the code on top of it.

No stage of a build needs the network, a shell or a credential, except where Debian packages are
asked for. What is copied comes as whole folders, so that every builder makes the same layers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from penstock.images.revision import REVISION

REQUIREMENTS = "requirements.tar"
USER = "10001:10001"
WRITABLE = "writable"
"""The folder of a context whose files belong to the user."""


def environment_dockerfile(
    base: str, packages: Iterable[str], labels: Mapping[str, str], *, requirements: bool
) -> str:
    """The Dockerfile of an environment: base, Debian packages, requirements, penstock."""
    lines = [f"FROM {base}", "USER 0"]
    listed = " ".join(sorted(packages))
    if listed:
        lines.append(
            "RUN apt-get update \\\n"
            f"    && apt-get install -y --no-install-recommends {listed} \\\n"
            "    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt/* /var/log/dpkg.log"
        )
    if requirements:
        lines.append(f"ADD {REQUIREMENTS} /")
    lines.append("COPY runtime/ /")
    # Airflow fetches a step's answer from one folder, and a new volume of Docker takes its owner
    # from the other, where it is mounted.
    lines.append(f"COPY --chown={USER} {WRITABLE}/ /")
    lines.append(
        "ENV PATH=/opt/requirements/bin:$PATH \\\n"
        "    PYTHONPATH=/opt/requirements:/opt/penstock \\\n"
        "    PYTHONDONTWRITEBYTECODE=1 \\\n"
        "    PYTHONUNBUFFERED=1 \\\n"
        "    HOME=/tmp"
    )
    lines += _labels(labels)
    lines += [f"USER {USER}", 'CMD ["python3", "-m", "penstock_runtime"]']
    return "\n".join(lines) + "\n"


def code_dockerfile(
    environment: str, path: Iterable[str], labels: Mapping[str, str], *, code: bool = True
) -> str:
    """The Dockerfile of an image: the code of the steps on its environment.

    Without `code`, all of it is in packages.
    """
    folders = ":".join([*path, "/opt/requirements", "/opt/penstock"])
    lines = [f"FROM {environment}", *["COPY root/ /"] * code]
    lines += [f"ENV PYTHONPATH={folders}", "WORKDIR /app"]
    if commit := labels.get(REVISION):
        # A step cannot read the labels of its image, and tells its commit with what it makes.
        lines.append(f"ENV PENSTOCK_COMMIT={_quoted(commit)}")
    lines += _labels(labels)
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> list[str]:
    if not labels:
        return []
    pairs = [f"{name}={_quoted(value)}" for name, value in sorted(labels.items())]
    return ["LABEL " + " \\\n      ".join(pairs)]


def _quoted(value: str) -> str:
    """Text in double quotes; Docker would put variables in place of `$NAME`."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")
