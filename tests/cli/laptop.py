"""Somebody's shell in a lab, who bootstraps there."""

import os
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from executors.control.access import Access, KnownController, known_controllers, reach
from executors.ssh import Ssh
from gitops.etcd_server import EmbeddedEtcd
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.store import Store
from lab.lab import lab_folders
from lab.surroundings import Surroundings
from model.names import NodeName
from model.operation import Operation, StepState
from model.registered import EtcdMember

T = TypeVar("T")


class Laptop:
    """Somebody's shell in a lab."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        cache = {"FLSTR_CACHE": str(lab_folders().root / "cache"), "FLSTR_EMAIL": "operator@flstr.lab"}
        self.environment = {**os.environ, **around.environment(), **cache}
        self.access = Access(around.state / "control")

    def start(self, *words: str, source: Path | None = None, program: str = "") -> "subprocess.Popen[str]":
        """`flstr <words>`, of this checkout or of another one, or by a program that calls it."""
        return subprocess.Popen(
            [sys.executable, *(("-c", program) if program else ("-m", "cli")), *words],
            env=self.environment,
            cwd=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def flstr(self, *words: str) -> str:
        """What it prints, once it has ended well."""
        process = self.start(*words)
        printed, _ = process.communicate(timeout=240)
        assert process.returncode == 0, printed
        return printed

    def ssh(self, controllers: Collection[KnownController] = ()) -> Ssh:
        """As the commands reach the controllers, or these ones, where it has not handed over yet."""
        hosts = {known.node: known.host() for known in controllers or self.access.controllers()}
        return Ssh(hosts.get, self.around.state / "ssh" / "id_ed25519")

    def on(self, node: str, command: str) -> str:
        """The first line that a command prints there."""
        with closing(self.ssh()) as ssh, closing(ssh.talk(node, command)) as told:
            return told.ask("", 60.0).strip()

    def ask(self, question: Callable[[Store], T], controllers: Collection[KnownController] = ()) -> T:
        """Something of the cluster's etcd."""
        with (
            closing(self.ssh(controllers)) as ssh,
            closing(reach(ssh, controllers or self.access.controllers(), self.access.tls)) as store,
        ):
            return question(store)

    def installed(self) -> Mapping[str, str]:
        """What the cluster's etcd has of each controller's flstr."""
        return self.ask(lambda store: Registry(store).read().installed)

    def left(self) -> "Left":
        """What a bootstrap has left here that was killed."""
        etcd = EmbeddedEtcd(self.around.state / "etcd")
        try:
            with closing(Store([etcd.start()])) as store:
                (operation,) = Operations(store).all()
                registered = Registry(store).read()
        finally:
            etcd.stop()
        rented = {server.name: server.id for server in self.around.cloud.project.servers}
        return Left(operation, registered.etcd_members, known_controllers(registered), rented)


@dataclass(frozen=True)
class Left:
    """The operation and the members of etcd as the laptop has them, and the servers that the cloud has, by name."""

    operation: Operation
    members: Mapping[NodeName, EtcdMember]
    known: tuple[KnownController, ...]
    rented: Mapping[str, int]

    def done(self) -> dict[str, StepState]:
        """The steps that are not to be done again, with the time at which they were."""
        return {step: state for step, state in self.operation.steps.items() if state.status == "done"}

    def running(self) -> set[str]:
        """The steps that it was killed in."""
        return {step for step, state in self.operation.steps.items() if state.status == "running"}
