"""Who may do what in the cluster's etcd, as shell: commands for `member_files.users_script`. Pure.

A user is named by the common name of a certificate and has no password.
"""

from executors.templates import quote
from model import keys
from model.names import NodeName

# Every controller's; it may do everything.
CONTROLLER_USER = "flstr"
# flanneld reads and watches it without the slash behind it, and may read no more than is granted as a whole.
LEASES = keys.OVERLAY_SUBNETS.rstrip("/")


def founding_commands() -> str:
    """The users of the controllers, and nobody is let in without one from then on."""
    lines = ["again role root"]
    for user in ("root", CONTROLLER_USER):
        lines += [f"again user {user}", f"again etcd user grant-role {user} root"]
    return "\n".join([*lines, "again etcd auth enable"])


def node_user_commands(node: NodeName, *, flanneld: bool = False) -> str:
    """A machine's user, which writes that it lives and nothing else; with `flanneld` also the overlay's leases, those
    of others too: each flanneld looks for a free one itself. What the overlay is like, it only reads."""
    name, role = quote(node), quote(node_role(node))
    grant, revoke = f"again etcd role grant-permission {role}", f"again revoked {role}"
    if flanneld:
        overlay = [
            f"{grant} read {keys.OVERLAY_CONFIG}",
            f"{grant} --prefix readwrite {LEASES}",
        ]
    else:
        overlay = [
            f"{revoke} {keys.OVERLAY_CONFIG}",
            f"{revoke} --prefix {LEASES}",
        ]
    return "\n".join(
        [
            f"again user {name}",
            f"again role {role}",
            f"{grant} readwrite {quote(keys.alive(node))}",
            *overlay,
            f"again etcd user grant-role {name} {role}",
        ]
    )


def forget_node_user_commands(node: NodeName) -> str:
    """A machine's certificate is of no use any more, and it does not count as living."""
    return "\n".join(
        [
            f"again none user {quote(node)}",
            f"again none role {quote(node_role(node))}",
            f"again etcd del {quote(keys.alive(node))}",
        ]
    )


def node_role(node: NodeName) -> str:
    """The role of a machine's user."""
    return f"node-{node}"
