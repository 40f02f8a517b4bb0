"""A whole Airflow: scheduler, DAG processor and API server, with SQLite or PostgreSQL.

It takes half a minute to start, so one serves all tests of a module. Everything of it lives in a
folder of its own, and ends with it.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow_support import environment

START_SECONDS = 180
USER, PASSWORD = "admin", "an ordinary pass{{ 7*7 }}word"


@dataclass(frozen=True)
class Server:
    """A running Airflow."""

    host: str
    dags: Path
    version: str
    user: str
    password: str

    @property
    def variables(self) -> dict[str, str]:
        """The credentials as `penstock submit` takes them."""
        return {"PENSTOCK_AIRFLOW_USER": self.user, "PENSTOCK_AIRFLOW_PASSWORD": self.password}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def airflow_server(version: str, home: Path, database: str | None = None) -> Generator[Server]:
    """An Airflow that answers; `database` is the address of a PostgreSQL, else SQLite is used."""
    airflow, port = environment(version), free_port()
    (home / "dags").mkdir(parents=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
        "AIRFLOW__WEBSERVER__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "PATH": f"{airflow / 'bin'}:{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
    }
    (home / "passwords.json").write_text(json.dumps({USER: PASSWORD}))
    if database is not None:
        env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
        env["AIRFLOW__CORE__EXECUTOR"] = "LocalExecutor"
    else:
        shutil.copy(airflow / "home-template/airflow.db", home / "airflow.db")
    with (home / "log").open("wb") as log:
        command: list[str | Path] = [airflow / "bin/airflow", "standalone"]
        process = subprocess.Popen(
            command, env=env, cwd=home, stdout=log, stderr=log, start_new_session=True
        )
    try:
        api = "v1" if version.startswith("2") else "v2"
        _wait(f"http://127.0.0.1:{port}/api/{api}/version", process, home / "log")
        password = PASSWORD
        if version.startswith("2"):
            password = (home / "standalone_admin_password.txt").read_text().strip()
        yield Server(f"http://127.0.0.1:{port}", home / "dags", version, USER, password)
    finally:
        _end(process)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(
        f"Airflow does not start:\n{log.read_text(errors='replace')[-3000:]}", pytrace=False
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the whole group: a parent that is told to stop may leave its children behind."""
    for how, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    with suppress(ProcessLookupError):  # what the parent has left behind
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def postgres() -> Generator[str]:
    """A new PostgreSQL; its address for Airflow."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
        pytest.fail("no PostgreSQL: run `make postgres` first", pytrace=False)
    # Not among pytest's folders: each session that starts closes those to all other users.
    folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
    port, data = free_port(), folder / "data"
    # It refuses to run as root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")

    def call(*words: str | Path) -> Any:
        done = subprocess.run([*as_user, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    binaries = Path(programs[-1])
    call(binaries / "initdb", "-D", data, "-U", "airflow", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    call(binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/postgres"
    finally:
        call(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)
