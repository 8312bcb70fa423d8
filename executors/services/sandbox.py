"""Where Ansible runs: in namespaces of its own, which see none of flstr's keys, and end with flstr. Pure.

A playbook of the cluster repo may bring plugins, and what those do is done here. Its folder is a part of flstr's
state, of which it sees nothing else, nor of the certificate by which etcd knows flstr.
"""

from collections.abc import Sequence
from pathlib import Path

# Short ones, since ssh puts sockets there. Inside, nothing else is on /mnt.
FOLDER = "/mnt/run"
SOCKETS = "/mnt/ssh"

_ENTER = f"""
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir {FOLDER} {SOCKETS}
mount --bind "$1" {FOLDER}
shift
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mount -t tmpfs -o mode=700 tmpfs "$1"; fi
    shift
done
cd {FOLDER}
shift
exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs -- "$@"
"""


def inside(folder: Path, hidden: Sequence[Path], command: Sequence[str]) -> list[str]:
    """A command that runs in there: `folder` is its `FOLDER`, and of the folders in `hidden` it sees nothing.

    Everything that it starts is gone as soon as it, or whoever started it, is.
    """
    return [
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"),
        *("--pid", "--fork", "--kill-child", "--"),
        *("/bin/sh", "-euc", _ENTER, "flstr", str(folder), *map(str, hidden), "--", *command),
    ]
