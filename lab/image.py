"""The hosts' root file system: Debian 12 with what a rented machine brings and what flstr sets up on it.

It is built once by mmdebstrap and kept under a name that is a digest of its recipe (packages, files, units).
Hosts lay an overlay over it, so it is never written to again.
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError
from lab.filelock import locked
from lab.naming import LabFolders

SUITE = "bookworm"

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "libnss-systemd",  # names for the users of DynamicUser=
    "dbus",
    "cloud-init",
    "openssh-server",
    "sudo",
    "procps",
    "ca-certificates",
    "curl",
    "git",
    "python3",
    "netbase",  # firewalld stops without /etc/protocols
    "iproute2",
    "iputils-ping",
    "netcat-openbsd",
    "socat",
    "firewalld",
    "nftables",
    "tinc",
    "wireguard-tools",
    "wireguard-go",
    "haproxy",
    "nginx-light",
    "etcd-server",
    "etcd-client",
)

MMDEBSTRAP_OPTIONS = (
    "--variant=minbase",
    "--mode=root",
    "--format=directory",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)

MASKED_UNITS = (
    # Work for a machine that lives for months.
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-pstore.service",
    # cloud-init's other two stages, init and final, do all that is to be done here; each one starts a Python.
    "cloud-init-local.service",
    "cloud-config.service",
    # Hardware and consoles that a lab host does not have.
    "cloud-init-hotplugd.socket",
    "console-getty.service",
    "getty@tty1.service",
    "systemd-udevd.service",
    "systemd-networkd-wait-online.service",
    # It starts at install and fails slowly; flstr has a unit of its own.
    "etcd.service",
)

UNIQUE_TO_A_MACHINE = ("etc/ssh/ssh_host_*", "etc/hostname", "var/lib/dbus/machine-id", "var/lib/cloud/*")
"""Files that no two machines may share: an image must not have them."""

FILES = Path(__file__).parent / "rootfs"
"""Laid over the root file system as they are."""

_LINES_OF_WORK = re.compile(r"Get:|Unpacking |Setting up ")
_LINES_OF_WORK_EXPECTED = 735  # counted in a build; only the bar's evenness depends on it

Progress = Callable[[float, str], None]
"""Called with the share of the work done, 0.0 to 1.0, and the line that mmdebstrap is at."""


def recipe_digest() -> str:
    """12 hex digits that change whenever the image would come out differently."""
    files = {str(path.relative_to(FILES)): path.read_text() for path in sorted(FILES.rglob("*")) if path.is_file()}
    recipe = [SUITE, PACKAGES, MMDEBSTRAP_OPTIONS, MASKED_UNITS, UNIQUE_TO_A_MACHINE, files]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]


def image_path(folders: LabFolders) -> Path:
    """Where the image of this recipe is, once it was built."""
    return folders.images / recipe_digest()


def ensure_image(folders: LabFolders, progress: Progress = lambda _share, _line: None) -> Path:
    """Return the image's folder; build it first if it is not there. Blocks for a minute or two then.

    Of two processes one builds and the other waits. A build that was killed leaves only a folder ending in
    `.partial`, which the next build clears away.
    """
    image = image_path(folders)
    with locked(folders.images / "build.lock"):
        if not image.exists():
            for leftover in folders.images.glob("*.partial"):
                shutil.rmtree(leftover)
            partial = image.with_suffix(".partial")
            _bootstrap(partial, progress)
            _customise(partial)
            partial.rename(image)
    progress(1.0, "The image is ready.")
    return image


def _bootstrap(target: Path, progress: Progress) -> None:
    include = f"--include={','.join(PACKAGES)}"
    with subprocess.Popen(
        # mmdebstrap clears up on SIGTERM: it must not outlive whoever wanted the image.
        ["setpriv", "--pdeathsig", "TERM", "mmdebstrap", "--verbose", *MMDEBSTRAP_OPTIONS, include, SUITE, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as build:
        assert build.stderr is not None  # noqa: S101 - it is a pipe
        errors: list[str] = []
        done = 0
        for raw_line in build.stderr:
            line = raw_line.strip()
            if line.startswith("E:"):
                errors.append(line)
            done += _LINES_OF_WORK.match(line) is not None
            if line.startswith("I:") or _LINES_OF_WORK.match(line):
                progress(min(0.98, done / _LINES_OF_WORK_EXPECTED), line)
    if build.returncode != 0:
        reason = errors[-1] if errors else f"it ended with status {build.returncode}"
        raise LabError(f"mmdebstrap could not build the host image: {reason}")


def _customise(root: Path) -> None:
    for pattern in UNIQUE_TO_A_MACHINE:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (root / "etc/machine-id").write_text("")
    shutil.copytree(FILES, root, dirs_exist_ok=True)
    for unit in MASKED_UNITS:
        masked = root / "etc/systemd/system" / unit
        masked.unlink(missing_ok=True)
        masked.symlink_to("/dev/null")
