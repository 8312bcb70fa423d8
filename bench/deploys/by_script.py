"""The floor under a deploy: one script a host over OpenSSH's client, as somebody would write it for one app."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jinja2

from bench.deploys.hosts import HERE, Hosts
from bench.plain_ssh import PlainSsh
from executors.ssh import SIDE_BY_SIDE

PORT = 8100


class ByScript:
    """With a connection made for each script, or a master connection that is kept."""

    def __init__(self, hosts: Hosts, folder: Path) -> None:
        self._hosts = hosts
        self._ssh = PlainSsh(hosts.sshd, folder)
        text = (HERE / "bare.sh.j2").read_text()
        self._script = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined).from_string(text)  # noqa: S701

    def deploy(self, commit: str) -> None:
        """Deploy a commit to every host, each over a connection of its own."""
        self._everywhere(functools.partial(self._script_for, commit), warm=False)

    def deploy_warm(self, commit: str) -> None:
        """Deploy a commit to every host over the master connections."""
        self._everywhere(functools.partial(self._script_for, commit), warm=True)

    def connect(self) -> None:
        """Make the master connections."""
        self._everywhere(lambda _: "true", warm=True)

    def _script_for(self, commit: str, address: str) -> str:
        return self._script.render(name="bare", commit=commit, repo=self._hosts.repo.url, host=address, port=PORT)

    def _everywhere(self, script: Callable[[str], str], *, warm: bool) -> None:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            addresses = self._hosts.addresses.values()
            list(pool.map(lambda address: self._ssh.run(address, script(address), warm), addresses))

    def close(self) -> None:
        """End the master connections."""
        self._ssh.close()
