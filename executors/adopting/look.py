"""Machines are looked at: each is known by its host key before it is told who asks, and then says what it is."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko

from executors.adopting.facts import Facts, look_script, parse
from executors.adopting.survey import Inventory, Server, Survey
from executors.host_key import host_key_label
from executors.remote import Unreachable
from executors.ssh_connection import CONNECT_SECONDS, TCP_SECONDS, connect, reason
from model.errors import StepFailed

LOOK_SECONDS = 60.0
SIDE_BY_SIDE = 32
# Left to itself, bash reads a script that comes through a pipe byte by byte.
WHOLE = "bash -c 'eval \"$(cat)\"'"


def look_at(inventory: Inventory, key: Path, port: int = 22, report: Callable[[str], None] = lambda _: None) -> Survey:
    """Look at every server, side by side; nothing is changed there."""
    host_keys, facts, silent = dict[str, str](), dict[str, Facts](), dict[str, str]()

    def one(server: Server) -> tuple[Server, str, Facts | StepFailed]:
        known = ""
        try:
            known = right_host_key(server, port)
            return server, known, parse(_ask(server, known, key, port))
        except StepFailed as error:
            return server, known, error

    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="look") as pool:
        for server, known, said in pool.map(one, inventory.servers):
            if known:
                host_keys[server.node] = known
            if isinstance(said, StepFailed):
                silent[server.node] = said.sentence
                report(f"{server.node}: {said.sentence}")
            else:
                facts[server.node] = said
                running = len([one for one in said.instances if one.runs])
                report(f"{server.node} at {server.ip}: its host key is right, and it runs {running} instances")
    return Survey(inventory, host_keys, facts, silent)


def right_host_key(server: Server, port: int = 22) -> str:
    """The host key that a server shows, once it is the one of its label; nothing was said to it by then. Raises
    `Unreachable`."""
    shown = _shown_key(server, port)
    if not server.key_label or host_key_label(shown) != server.key_label:
        raise Unreachable(
            f"{server.node}: {server.ip} shows an SSH host key that is not the one of the server's label host-key; "
            "either another machine has its address, or somebody is in between"
        )
    return shown


def _shown_key(server: Server, port: int) -> str:
    try:
        with socket.create_connection((server.ip, port), timeout=TCP_SECONDS) as sock:
            transport = paramiko.Transport(sock)
            try:
                # The kind that machines are started with; others have any number of keys beside it.
                transport.get_security_options().key_types = ("ssh-ed25519",)
                transport.start_client(timeout=CONNECT_SECONDS)
                shown = transport.get_remote_server_key()
            finally:
                transport.close()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(f"{server.node}: no SSH connection to {server.ip} ({reason(error)})") from error
    return f"{shown.get_name()} {shown.get_base64()}"


def _ask(server: Server, host_key: str, key: Path, port: int) -> str:
    client = connect(server.node, server.ip, host_key, key, port)
    try:
        to, out, err = client.exec_command(WHOLE, timeout=LOOK_SECONDS)
        to.write(look_script())
        to.channel.shutdown_write()
        printed = out.read().decode(errors="replace")
        if out.channel.recv_exit_status() != 0:
            raise StepFailed(f"{server.node}: it could not be looked at", err.read().decode(errors="replace"))
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(f"{server.node}: it did not say what it is ({reason(error)})") from error
    else:
        return printed
    finally:
        client.close()
