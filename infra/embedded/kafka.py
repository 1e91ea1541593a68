"""Apache Kafka proper: one KRaft node out of Maven's jars. For tests; needs a JDK and Maven.

The embedded broker speaks the same protocol but cannot make topics on purpose, keep messages over a restart,
or do transactions: what depends on these is tested against this one.
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from string import Template

import psutil

from infra.embedded.ending import wait_until_gone
from infra.errors import PlatformUnsupportedError, ServiceStartError, last_lines

_SOURCES = Path(__file__).parent.parent / "kafka"
_JAVA_OPTIONS = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def missing_tools() -> list[str]:
    """What of Java and Maven is not on PATH."""
    return [tool for tool in ("java", "mvn") if shutil.which(tool) is None]


def fetch_jars(folder: Path) -> Path:
    """Kafka's jars in `folder`, fetched by Maven unless they are there already. Returns `folder`."""
    if (folder / ".complete").exists():
        return folder
    if missing := missing_tools():
        raise PlatformUnsupportedError(" and ".join(missing), "Apache Kafka needs a JDK and Maven")
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        "mvn", "--quiet", "--batch-mode", "--file", str(_SOURCES / "pom.xml"), "dependency:copy-dependencies",
        f"-DoutputDirectory={folder}", "-DincludeScope=runtime",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command line
    if done.returncode != 0:
        raise ServiceStartError("maven", "the jars could not be fetched", done.stdout.splitlines()[-12:])
    (folder / ".complete").touch()
    return folder


@dataclass(frozen=True)
class KafkaNode:
    """One node with its data in `data_dir`."""

    jars_dir: Path
    data_dir: Path
    broker_port: int
    controller_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.broker_port}"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "kafka.log"

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "kafka.pid"

    def start(self, timeout_seconds: float = 60) -> str:
        """Start the node, formatting its storage at the first time, and return its address."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        properties = self.data_dir / "server.properties"
        template = Template((_SOURCES / "server.properties").read_text())
        storage = self.data_dir / "storage"
        properties.write_text(
            template.substitute(
                broker_port=self.broker_port, controller_port=self.controller_port, data_dir=storage
            )
        )
        java = ["java", *_JAVA_OPTIONS, "-cp", f"{self.jars_dir}/*"]
        with self.log_file.open("ab") as log:
            if not storage.exists():
                cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
                format_storage = [*java, "kafka.tools.StorageTool", "format"]
                subprocess.run(  # noqa: S603  # our own command line
                    # In one word: one id in sixty-four begins with a dash.
                    [*format_storage, f"--cluster-id={cluster_id}", "-c", str(properties)],
                    stdout=log, stderr=log, check=True,
                )  # fmt: skip
            process = subprocess.Popen(  # noqa: S603  # our own command line
                [*java, "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.pid_file.write_text(str(process.pid))
        deadline = time.monotonic() + timeout_seconds
        while process.poll() is None and time.monotonic() < deadline:
            if self._listens():
                return self.address
            time.sleep(0.1)
        self.stop()
        raise ServiceStartError("kafka", "it does not listen", last_lines(self.log_file))

    def stop(self) -> None:
        """Stop the node, whoever started it. Only for throw-away nodes: it is not asked to save anything."""
        try:
            process = psutil.Process(int(self.pid_file.read_text()))
            if process.name() == "java":
                process.kill()
                wait_until_gone(process.pid, 10)
        except (OSError, ValueError, psutil.NoSuchProcess):
            return

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.broker_port), timeout=1):
                return True
        except OSError:
            return False
