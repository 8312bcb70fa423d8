"""Where things of flstr stand on a controller."""

USER = "flstr"
STATE_NAME = "flstr-controller"  # /var/lib/flstr is what flstr keeps on every machine, as root
STATE = f"/var/lib/{STATE_NAME}"
PROGRAMS = "/opt/flstr"
ARCHIVES = f"{PROGRAMS}/archives"
CURRENT = f"{PROGRAMS}/current"
STABLE = f"{PROGRAMS}/stable"  # the last version that ran well, with its unit and its settings
FOLDER = "/etc/flstr"
ENV = f"{FOLDER}/flstr.env"
CA, CERTIFICATE, KEY = f"{FOLDER}/ca.pem", f"{FOLDER}/client.pem", f"{FOLDER}/client-key.pem"
UNIT = "/etc/systemd/system/flstr.service"
FILES = f"{FOLDER}/files"
SSH_KEY, IDENTITY = f"{STATE}/ssh/id_ed25519", f"{STATE}/age/identity"
SSH_CONFIG = f"{STATE}/.ssh/config"
# Beside the one to which ssh adds what it meets.
KNOWN_HOSTS = f"{STATE}/.ssh/known_hosts_given"

# Below them storage from elsewhere may be mounted, and flstr may write there.
MOUNTS = ("/mnt", "/srv", "/media")


def archive_path(version: str) -> str:
    """The archive of a version, as it came."""
    return f"{ARCHIVES}/{version}.tar.gz"


def travelled(variable: str) -> str:
    """A file that a setting names, once it is on a controller."""
    return f"{FILES}/{variable.lower()}.pem"
