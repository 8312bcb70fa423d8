"""One of the servers that etcd runs on, as a client sees it: its connection, and whether it is well."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import etcd3
import grpc
from etcd3 import etcdrpc

from gitops.etcd_watch import Watch

# No call lasts longer; leadership, whose lease lasts five seconds, has to hear of it in time.
CALL_SECONDS = 4.0
KEEPALIVE = (
    # etcd takes more than one ping in five seconds for an attack.
    ("grpc.keepalive_time_ms", 6000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.http2.max_pings_without_data", 0),
)
GRPC_OPTIONS = (
    # Everything under a prefix comes in one answer; gRPC would refuse one of more than 4 MiB.
    ("grpc.max_receive_message_length", -1),
    # One that is back is found again soon.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    *KEEPALIVE,
)
# A member that knows of no leader says so at once, and ends its watches, instead of waiting for one.
METADATA = (("hasleader", "true"),)
# Any key: what counts is that the members agree on it.
LOOKED_AT = b"flstr"


@dataclass(frozen=True)
class EtcdTls:
    """The files, all PEM, by which etcd and flstr know each other; the certificate's common name is the user."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Standing:
    """What a member says of itself, and of who leads: its own id, the leader's, and how much it has written down."""

    address: str
    member_id: int
    leader_id: int
    written: int


class Endpoint:
    """The first that is not `lost` is asked first; whether it is `there` matters where none of them answers."""

    def __init__(self, address: str, tls: EtcdTls | None) -> None:
        self.address = address
        self.lost = False
        self.there = True
        # How many looks in a row it answered promptly since it was lost.
        self.prompt = 0
        self.watches: list[Watch] = []
        secure, (host, _, port) = address.startswith("https://"), address.partition("://")[2].rpartition(":")
        at = etcd3.Endpoint(
            host=host,
            port=int(port),
            secure=secure,
            creds=_credentials(tls) if secure else None,
            # Whether it may be tried again is not left to etcd3.
            time_retry=float("-inf"),
            opts=GRPC_OPTIONS,
        )
        self.channel: grpc.Channel = at.channel
        self.client = etcd3.MultiEndpointEtcd3Client(endpoints=[at], timeout=CALL_SECONDS)
        self.client.metadata = METADATA
        self._kv = etcdrpc.KVStub(self.channel)
        self._maintenance = etcdrpc.MaintenanceStub(self.channel)

    def look(self, seconds: float, on_answer: Callable[[Any], None]) -> Any:
        """Ask what a member knows only together with most others; what comes of it is told by a thread of gRPC's."""
        request = etcdrpc.RangeRequest(key=LOOKED_AT, count_only=True)
        answer = self._kv.Range.future(request, seconds, metadata=METADATA)
        answer.add_done_callback(on_answer)
        return answer

    def knock(self, seconds: float) -> Any:
        """Ask what any member answers that runs and is reached, with others or without; an answer to come."""
        request = etcdrpc.RangeRequest(key=LOOKED_AT, count_only=True, serializable=True)
        return self._kv.Range.future(request, seconds)

    def standing(self, seconds: float) -> Standing:
        """Ask it who it is, and who leads. Raises what gRPC raises."""
        said = self._maintenance.Status(etcdrpc.StatusRequest(), seconds)
        return Standing(self.address, int(said.header.member_id), int(said.leader), int(said.raftIndex))

    def hand_on(self, member_id: int, seconds: float) -> None:
        """Have another member lead in the place of this one. Raises what gRPC raises."""
        self._maintenance.MoveLeader(etcdrpc.MoveLeaderRequest(targetID=member_id), seconds)

    def lose(self) -> None:
        """Whoever heard of changes from it has to hear of them from another one."""
        self.lost, self.prompt = True, 0
        for watch in [*self.watches]:
            watch.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self.lose()
        self.client.close()


def _credentials(tls: EtcdTls | None) -> grpc.ChannelCredentials:
    if tls is None:
        return grpc.ssl_channel_credentials()
    return grpc.ssl_channel_credentials(tls.ca.read_bytes(), tls.key.read_bytes(), tls.certificate.read_bytes())
