"""How quickly a member of etcd writes its log down, as it counts itself."""

import http.client
import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from gitops.etcd_endpoint import EtcdTls

READ_SECONDS = 1.5
READ_BYTES = 1 << 20

# The slowest sync that is quick, as etcd sorts them; most disks need a hundredth of it.
_QUICK = re.compile(r'^etcd_disk_wal_fsync_duration_seconds_bucket\{le="0\.128"\} (\d+)$', re.MULTILINE)
_ALL = re.compile(r"^etcd_disk_wal_fsync_duration_seconds_count (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Syncs:
    """How often a member has made sure that its log is on its disk, and how often that took long."""

    all: int
    slow: int

    def since(self, before: "Syncs") -> "Syncs":
        """Those in between."""
        return Syncs(self.all - before.all, self.slow - before.slow)


def syncs_in(metrics: str) -> Syncs | None:
    """What a member's metrics say, in the format of Prometheus; None where they do not."""
    quick, every = _QUICK.search(metrics), _ALL.search(metrics)
    if quick is None or every is None:
        return None
    return Syncs(int(every[1]), int(every[1]) - int(quick[1]))


def ask_syncs(endpoint: str, tls: EtcdTls | None) -> Syncs | None:
    """What the member at an address says; None where it says nothing."""
    connection = _connection(endpoint, tls)
    try:
        connection.request("GET", "/metrics")
        return syncs_in(connection.getresponse().read(READ_BYTES).decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _connection(endpoint: str, tls: EtcdTls | None) -> http.client.HTTPConnection:
    host, port = urlsplit(endpoint).hostname or "", urlsplit(endpoint).port
    if not endpoint.startswith("https://"):
        return http.client.HTTPConnection(host, port, timeout=READ_SECONDS)
    trust = ssl.create_default_context(cafile=None if tls is None else str(tls.ca))
    if tls is not None:
        trust.load_cert_chain(tls.certificate, tls.key)
    return http.client.HTTPSConnection(host, port, timeout=READ_SECONDS, context=trust)
