"""The user-data that a new machine starts from."""

from executors.host_key import HostKey
from executors.templates import render


def user_data(node: str, host_key: HostKey, authorized_key: str) -> str:
    """A cloud-config: the machine's name, its SSH host key, the key that root lets in. It holds no other secret."""
    return render("node/user-data.yaml.j2", node=node, host_key=host_key, authorized_key=authorized_key)
