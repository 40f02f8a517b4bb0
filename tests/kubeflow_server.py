"""A small server with the routes and messages of Kubeflow Pipelines v2beta1, held in memory.

It takes what the REST contract allows and nothing else: an unknown route, field, type or filter
is refused. The real `kfp.Client` talks to it as well, so that the contract is not ours alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import yaml

Answer = tuple[int, Any]
Data = dict[str, Any]

TOKEN = "t0ken-s3cret"
ROOT = "/kfp/apis/v2beta1"
# The fields of each message that a client may send, with their types.
CONTRACT: dict[str, dict[str, type | tuple[type, ...]]] = {
    "Experiment": {"display_name": str, "description": str, "namespace": str},
    "Pipeline": {"display_name": str, "name": str, "description": str, "namespace": str},
    "Run": {
        "experiment_id": str,
        "display_name": str,
        "description": str,
        "pipeline_spec": dict,
        "pipeline_version_reference": dict,
        "runtime_config": dict,
        "service_account": str,
    },
    "RecurringRun": {
        "experiment_id": str,
        "display_name": str,
        "description": str,
        "pipeline_spec": dict,
        "pipeline_version_reference": dict,
        "runtime_config": dict,
        "service_account": str,
        "max_concurrency": (str, int),
        "trigger": dict,
        "mode": str,
        "no_catchup": bool,
        "namespace": str,
    },
}


class Refused(Exception):
    """The server says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Kubeflow:
    """What the server knows; `change` may answer in its place."""

    host: str = ""
    token: str | None = TOKEN
    pipelines: list[Data] = field(default_factory=list[Data])
    versions: list[Data] = field(default_factory=list[Data])
    experiments: list[Data] = field(default_factory=list[Data])
    runs: list[Data] = field(default_factory=list[Data])
    recurring: list[Data] = field(default_factory=list[Data])
    seen: list[str] = field(default_factory=list[str])
    change: Callable[[Kubeflow, str, str, Any], Answer | None] | None = None
    progress: Callable[[Data, int], None] | None = None
    """What becomes of a run each time that somebody looks at it."""
    looks: int = 0

    def answer(self, method: str, path: str, body: Any, headers: Any) -> Answer:
        """The contract of the REST API."""
        parts = urlsplit(path)
        self.seen.append(f"{method} {parts.path.removeprefix(ROOT)}")
        if self.change is not None and (changed := self.change(self, method, path, body)):
            return changed
        if not parts.path.startswith(ROOT + "/"):
            return 404, "<html><body>Not <b>Found</b></body></html>"
        if self.token is not None and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"error": "Unauthenticated", "code": 16, "message": "Unauthenticated"}
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            return 200, self.routed(method, parts.path.removeprefix(ROOT), query, body)
        except Refused as refused:
            return refused.status, {"error": str(refused), "code": 3, "message": str(refused)}

    def routed(self, method: str, route: str, query: dict[str, str], body: Any) -> Data:
        """The answer to a request that is known to be from us."""
        match method, route.strip("/").split("/"):
            case "GET", ["healthz"]:
                return {"commit_sha": "abc", "tag_name": "2.17.0", "multi_user": False}
            case "GET", ["pipelines"]:
                return {"pipelines": _filtered(self.pipelines, query)}
            case "POST", ["pipelines"]:
                return self.new_pipeline(_message("Pipeline", body))
            case "POST", ["pipelines", "upload"]:
                made = self.new_pipeline({"display_name": query["name"]})
                self.new_version(made, query["name"], body)
                return made
            case "POST", ["pipelines", "upload_version"]:
                found = _one(self.pipelines, "pipeline_id", query.get("pipelineid", ""))
                return self.new_version(found, query["name"], body)
            case "GET", ["pipelines", name, "versions"]:
                _one(self.pipelines, "pipeline_id", name)
                mine = [one for one in self.versions if one["pipeline_id"] == name]
                return {"pipeline_versions": _filtered(mine, query)}
            case "GET", ["pipelines", name]:
                return _one(self.pipelines, "pipeline_id", name)
            case "GET", ["pipelines", _, "versions", name]:
                return _one(self.versions, "pipeline_version_id", name)
            case "GET", ["experiments"]:
                return {"experiments": _filtered(self.experiments, query)}
            case "POST", ["experiments"]:
                made = {
                    **_message("Experiment", body),
                    "experiment_id": f"e{len(self.experiments)}",
                }
                self.experiments.append(made)
                return made
            case "GET", ["experiments", name]:
                return _one(self.experiments, "experiment_id", name)
            case "POST", ["runs"]:
                return self.new_run(_message("Run", body))
            case "GET", ["runs"]:
                return self.listed(query)
            case "GET", ["runs", name]:
                found = _one(self.runs, "run_id", name)
                self.looks += 1
                if self.progress is not None:
                    self.progress(found, self.looks)
                return found
            case "GET", ["recurringruns"]:
                return {"recurringRuns": _filtered(self.recurring, query)}
            case "POST", ["recurringruns"]:
                found = _message("RecurringRun", body)
                self._checked(found)
                cron = found["trigger"]["cron_schedule"]["cron"]
                if len(cron.split()) != 6:
                    raise Refused(400, f"{cron!r} is no cron with seconds")
                made = {**found, "recurring_run_id": f"rr{len(self.recurring)}"}
                self.recurring.append(made)
                return made
            case _:
                raise Refused(404, f"no route {method} {route}")

    def new_pipeline(self, message: Data) -> Data:
        if any(one["display_name"] == message["display_name"] for one in self.pipelines):
            raise Refused(409, "AlreadyExistError")
        made = {**message, "pipeline_id": f"p{len(self.pipelines)}"}
        self.pipelines.append(made)
        return made

    def new_version(self, pipeline: Data, name: str, body: Any) -> Data:
        documents = list(yaml.safe_load_all(_uploaded(body)))
        if documents[0].get("schemaVersion") != "2.1.0":
            raise Refused(400, "unknown template format: pipeline spec is invalid")
        made = {
            "pipeline_id": pipeline["pipeline_id"],
            "pipeline_version_id": f"v{len(self.versions)}",
            "display_name": name,
            "pipeline_spec": documents[0],
        }
        self.versions.append(made)
        return made

    def new_run(self, message: Data) -> Data:
        self._checked(message)
        number = len(self.runs)
        made = {
            **message,
            "run_id": f"{number:08d}-1111-4222-8333-444444444444",
            "state": "PENDING",
            "created_at": f"2026-11-25T10:{number % 60:02d}:00Z",
            "finished_at": "1970-01-01T00:00:00Z",
        }
        self.runs.append(made)
        return made

    def _checked(self, message: Data) -> None:
        _one(self.experiments, "experiment_id", message.get("experiment_id", ""))
        reference = message.get("pipeline_version_reference")
        if reference is not None:
            assert set(reference) <= {"pipeline_id", "pipeline_version_id"}
            version = _one(self.versions, "pipeline_version_id", reference["pipeline_version_id"])
            spec = version["pipeline_spec"]
        else:
            spec = message["pipeline_spec"]
            spec = spec.get("pipeline_spec", spec)
        config = message.get("runtime_config", {})
        if not set(config) <= {"parameters", "pipeline_root"}:
            raise Refused(400, "unknown field in runtime_config")
        known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        for name in config.get("parameters", {}):
            if name not in known:
                raise Refused(400, f"parameter {name} is not known")

    def listed(self, query: dict[str, str]) -> Data:
        newest = list(reversed(self.runs)) if query.get("sort_by") == "created_at desc" else []
        first, size = int(query.get("page_token") or 0), int(query.get("page_size") or 10)
        page = [
            {key: value for key, value in one.items() if key != "run_details"}
            for one in newest[first : first + size]
        ]
        more = {"next_page_token": str(first + size)} if first + size < len(newest) else {}
        return {"runs": page, **more}


def _message(name: str, body: Any) -> Data:
    """The body of a request, if it is such a message."""
    if not isinstance(body, dict):
        raise Refused(400, f"{name} is no object")
    fields = CONTRACT[name]
    for key, value in cast(Data, body).items():
        if key not in fields or not isinstance(value, fields[key]):
            raise Refused(400, f"{name} has no {key} of that type: {value!r}")
    found = cast(Data, body)
    if not found.get("display_name"):
        raise Refused(400, f"{name} needs a display_name")
    return found


def _one(known: list[Data], key: str, name: str) -> Data:
    found = [one for one in known if one[key] == name]
    if not found:
        raise Refused(404, f"{key} {name!r} is not found")
    return found[0]


def _filtered(known: list[Data], query: dict[str, str]) -> list[Data]:
    if not query.get("filter"):
        return known
    [predicate] = json.loads(query["filter"])["predicates"]
    assert predicate["operation"] in ("EQUALS", 1), predicate
    key = predicate["key"]
    assert key in ("display_name", "name"), key
    value = predicate.get("string_value", predicate.get("stringValue"))
    return [one for one in known if one["display_name"] == value]


def _uploaded(body: Any) -> str:
    """The file of a multipart form."""
    kind, content = body
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content
    )
    parts = {
        part.get_param("name", header="content-disposition"): part for part in message.iter_parts()
    }
    return cast(bytes, parts["uploadfile"].get_payload(decode=True)).decode()


@contextmanager
def serving() -> Generator[Kubeflow]:
    """A server on a free port of this machine."""
    made = Kubeflow()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content, kind = self.rfile.read(length), self.headers.get("Content-Type") or ""
            body: Any = None
            if kind.startswith("multipart/"):
                body = (kind, content)
            elif content:
                body = json.loads(content)
            status, found = made.answer(self.command, self.path, body, self.headers)
            text = found if isinstance(found, str) else json.dumps(found)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "https://login.example.org/")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.host = f"http://127.0.0.1:{server.server_port}/kfp"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
