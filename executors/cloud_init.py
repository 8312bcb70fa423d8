"""The user-data that a new machine starts from."""

from executors.host_key import HostKey
from executors.templates import render


def user_data(node: str, host_key: HostKey) -> str:
    """A cloud-config with the machine's name and SSH host key; it holds no other secret."""
    return render("node/user-data.yaml.j2", node=node, host_key=host_key)
