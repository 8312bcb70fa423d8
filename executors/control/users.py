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
    lines = ["role root"]
    for user in ("root", CONTROLLER_USER):
        lines += [f"user {user}", f"etcd user grant-role {user} root >/dev/null"]
    return "\n".join([*lines, "etcd auth enable >/dev/null"])


def node_user_commands(node: NodeName, *, flanneld: bool = False) -> str:
    """A machine's user, which writes that it lives and nothing else; with `flanneld` also the overlay's leases, those
    of others too: each flanneld looks for a free one itself. What the overlay is like, it only reads."""
    name, role = quote(node), quote(node_role(node))
    grant, revoke = f"etcd role grant-permission {role}", f"etcd role revoke-permission {role}"
    if flanneld:
        overlay = [
            f"{grant} read {keys.OVERLAY_CONFIG} >/dev/null",
            f"{grant} --prefix readwrite {LEASES} >/dev/null",
        ]
    else:
        overlay = [
            f"{revoke} {keys.OVERLAY_CONFIG} >/dev/null 2>&1 || true",
            f"{revoke} --prefix {LEASES} >/dev/null 2>&1 || true",
        ]
    return "\n".join(
        [
            f"user {name}",
            f"role {role}",
            f"{grant} readwrite {quote(keys.alive(node))} >/dev/null",
            *overlay,
            f"etcd user grant-role {name} {role} >/dev/null",
        ]
    )


def forget_node_user_commands(node: NodeName) -> str:
    """A machine's certificate is of no use any more, and it does not count as living."""
    return "\n".join(
        [
            f"none user {quote(node)}",
            f"none role {quote(node_role(node))}",
            f"etcd del {quote(keys.alive(node))} >/dev/null",
        ]
    )


def node_role(node: NodeName) -> str:
    """The role of a machine's user."""
    return f"node-{node}"
