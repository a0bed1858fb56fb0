"""MLflow's server for `npm start -- --traces`, on a free port of 127.0.0.1: receives spans (OTLP/HTTP) and shows them.

The argument is an empty folder for all data. Prints {"port": …} as JSON at once. Clients that connect from then on wait until
the server is ready. The server ends when its standard input closes, that is when the process that started it ends.
"""

import json
import os
import shutil
import socket
import sys
import threading

EXPERIMENT = "0"  # MLflow's default experiment, which each new store contains
ENTRY = "/sessions"

folder = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": listener.getsockname()[1], "experiment": EXPERIMENT, "entry": ENTRY}), flush=True)


def end_with_input():
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()

os.environ.update(
    HOME=folder,
    # The server opens no connections to other hosts.
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
    # Background jobs would start separate processes.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
    _MLFLOW_SERVER_FILE_STORE=f"sqlite:///{folder}/mlflow.db",
    _MLFLOW_SERVER_ARTIFACT_ROOT=f"{folder}/artifacts",
    _MLFLOW_SERVER_ARTIFACT_DESTINATION=f"{folder}/artifacts",
)
os.chdir(folder)

import uvicorn
from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from mlflow.server import otel_api
from mlflow.server.assistant import api as assistant_api

# MLflow's assistant would run commands on this machine for anyone who can reach the port.
assistant_api.assistant_router = APIRouter()

from mlflow.server.fastapi_app import app
from mlflow.server.handlers import _get_tracking_store

STATUS_ERROR = 2
# The page's introduction for new users would cover the traces.
SEEN = {
    "mlflow.detectIssues.guidanceShown_v1": "true",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.assistant.panelOpen_v1": "false",
}
# The list shows only the columns that have content, and the server's name.
COLUMNS = {"input": False, "output": False, "tokens": False, "tags": False, "tag:service.name": True}


class MarkedSpan(otel_api.Span):
    """Adds an event `exception` to failed spans, because MLflow's page ignores the status of spans."""

    @classmethod
    def from_otel_proto(cls, span, **options):
        if span.status.code == STATUS_ERROR and not any(event.name == "exception" for event in span.events):
            span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
        return super().from_otel_proto(span, **options)


otel_api.Span = MarkedSpan

entry = APIRouter()


@entry.get(ENTRY)
def open_sessions():
    """Redirects to the page with the sessions."""
    settings = SEEN | {f"mlflow.traces-v4.columns.{EXPERIMENT}_v4": json.dumps(COLUMNS)}
    script = "".join(f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)});" for key, value in settings.items())
    script += f"location.replace({json.dumps(f'/#/experiments/{EXPERIMENT}/traces')})"
    return HTMLResponse(f"<!doctype html><title>Sessions</title><script>{script}</script>")


app.include_router(entry)
# A route that is mounted at "/" would take precedence.
app.router.routes.insert(0, app.router.routes.pop())
# Creates the tables before the first spans arrive.
_get_tracking_store().rename_experiment(EXPERIMENT, "MCP")
uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_keep_alive=60)).run(sockets=[listener])
