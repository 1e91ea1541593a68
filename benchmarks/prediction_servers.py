"""The servers that predictions over HTTP are compared with, each one worker: AURORA's API, MLflow's and MLServer.

python -c 'from benchmarks.prediction_servers import serve_anew; serve_anew(8123)'
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn

from benchmarks.environments import MLSERVER, PROJECT
from benchmarks.logged_in import JWT_SECRET
from benchmarks.server_process import answering
from benchmarks.services import DATA_KEY, Services
from infra.ports import free_port
from serving.app import create_app
from serving.auth.people import Person
from serving.kept_answers import KeptAnswers, Make, Wanted
from serving.options import ApiOptions
from serving.predictions.service import Forecaster
from serving.protocol import protocol
from serving.resources import Resources

KEPT, ANEW = "API, answer kept in Redis", "API, answered anew"
MLFLOW, MLSERVER_ = "mlflow models serve", "MLServer"
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1"}
SLOW_START_SECONDS: Final = 300
"""Until a server has imported MLflow on a busy machine."""


class NothingKept(KeptAnswers):
    """Forgets at once: each request is answered as the first one after an event is."""

    async def answer(self, wanted: Wanted, make: Make, person: Person | None = None) -> bytes:
        del wanted, person
        return await make()


def serve_anew(port: int) -> None:
    """The API that finds no answer in Redis, until a signal ends it."""
    app = create_app()
    here: Resources = app.state.resources
    here.forecaster = Forecaster(
        here.database,
        here.redis,
        NothingKept(here.redis),
        here.champions,
        seconds=here.options.prediction_ttl_seconds,
    )
    uvicorn.run(app, host="127.0.0.1", port=port, **protocol(ApiOptions()))


@contextmanager
def aurora(services: Services, *, anew: bool) -> Iterator[int]:
    """The API, authenticated, rate limited and logged; its port."""
    port = free_port()
    body = (
        f"from benchmarks.prediction_servers import serve_anew; serve_anew({port})"
        if anew
        else f"from benchmarks.write_servers import serve; serve('aurora', {port})"
    )
    environment = {
        "AURORA_POSTGRES_URL": services.url_of("aurora_serving"),
        "AURORA_REDIS_URL": services.redis_url,
        "AURORA_JWT_SECRET": JWT_SECRET,
        "AURORA_DATA_KEY": DATA_KEY,
        "AURORA_API_WORKERS": "1",
        "AURORA_API_USER_PER_MINUTE": "100000000",
    }
    with _one_worker(
        services,
        "aurora-anew" if anew else "aurora",
        [sys.executable, "-c", body],
        port,
        "/livez",
        environment,
    ):
        yield port


@contextmanager
def mlflow(services: Services, model: Path) -> Iterator[int]:
    """`mlflow models serve` of the same registered model, in AURORA's own virtualenv; its port."""
    port = free_port()
    where = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local"]
    # It starts `uvicorn` by name.
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    with _one_worker(services, "mlflow", [*command, *where], port, "/ping", path):
        yield port


@contextmanager
def mlserver(services: Services, model: Path, cache: Path) -> Iterator[int]:
    """MLServer of the same registered model, in a virtualenv of its own; PackagesMissingError without it.

    Everything happens in its one process, which is faster than its default of a second one for the model.
    """
    python = MLSERVER.python(cache)
    folder = services.folder / "mlserver"
    (folder / "energy").mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = {
        "host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
        "parallel_workers": 0, "debug": False,
    }  # fmt: skip
    runtime = {
        "name": "energy",
        "implementation": "mlserver_mlflow.MLflowRuntime",
        "parameters": {"uri": str(model)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "energy" / "model-settings.json").write_text(json.dumps(runtime))
    command = [str(python.with_name("mlserver")), "start", str(folder)]
    with _one_worker(services, "mlserver", command, port, "/v2/models/energy/ready", {}):
        yield port


@contextmanager
def _one_worker(
    services: Services,
    name: str,
    command: Sequence[str],
    port: int,
    path: str,
    environment: Mapping[str, str],
) -> Iterator[None]:
    # A folder with nothing to import but AURORA's: the others load the copy that travels with the model.
    cwd = PROJECT if name.startswith("aurora") else services.folder
    with answering(
        command,
        url=f"http://127.0.0.1:{port}{path}",
        log=services.folder / f"{name}.log",
        cwd=cwd,
        environment={**ONE_THREAD, **environment},
        seconds=SLOW_START_SECONDS,
        with_success=True,
    ):
        yield
