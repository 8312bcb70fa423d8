"""What machines cost, as the cloud says it."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from decimal import Decimal, InvalidOperation
from typing import Any

from hcloud import Client
from hcloud.servers import BoundServer

from executors.cloud import HETZNER
from executors.cloud_errors import in_words
from executors.labelled import KINDS, Labelled
from gitops.orphans import OrphanKind
from model.errors import StepFailed
from model.names import ClusterName, NodeName

# The card waits for it; the cloud's client would try on for a minute.
SECONDS = 10.0


class MonthlyPrices:
    """Asks for the servers of a cluster; the price is that of their type where they stand, before tax."""

    def __init__(self, token: str, api_endpoint: str = HETZNER) -> None:
        self._client = Client(token=token, api_endpoint=api_endpoint, application_name="flstr", timeout=SECONDS)
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="prices")

    def __call__(self, cluster: ClusterName, nodes: Collection[NodeName]) -> dict[NodeName, Decimal]:
        """A month of each machine, in euros; one that the cloud has no price of is left out.

        Raises `StepFailed` where the cloud does not answer.
        """
        asking = self._asking.submit(self._servers, cluster)
        try:
            servers = asking.result(timeout=SECONDS)
        except TooSlow as error:
            asking.cancel()
            raise StepFailed(f"asking what machines cost failed: no answer within {SECONDS:.0f} s") from error
        priced = [(server.name, _price(server)) for server in servers]
        return {node: price for node, price in priced if node is not None and node in nodes and price is not None}

    def _servers(self, cluster: ClusterName) -> list[BoundServer]:
        with in_words("asking what machines cost"):
            return self._client.servers.get_all(label_selector=f"cluster={cluster}")


class OrphanPrices:
    """Asks for a month of everything that bears a cluster's label, by kind and id, in euros before tax; what the cloud
    has no price of is left out."""

    def __init__(self, token: str, api_endpoint: str = HETZNER) -> None:
        self._client = Client(token=token, api_endpoint=api_endpoint, application_name="flstr", timeout=SECONDS)

    def __call__(self, cluster: ClusterName) -> dict[str, Decimal]:
        """Raises `StepFailed` where the cloud does not answer."""
        labelled = Labelled(self._client, cluster)
        with in_words("asking what is paid for"):
            prices: dict[str, Any] = self._client.request(method="GET", url="/pricing")["pricing"]
            found = {f"{kind}-{one.id}": _price_of(kind, one, prices) for kind in KINDS for one in labelled.bound(kind)}
        return {key: price for key, price in found.items() if price is not None}


def _price_of(kind: OrphanKind, one: Any, prices: Mapping[str, Any]) -> Decimal | None:
    match kind:
        case "server":
            return _price(one)
        case "floating_ip":
            return _of_address(one.type, one.home_location, prices.get("floating_ips"))
        case "primary_ip":
            return _of_address(one.type, one.location, prices.get("primary_ips"))
        case "volume":
            per_gb = _net((prices.get("volume") or {}).get("price_per_gb_month"))
            return None if per_gb is None else per_gb * int(one.size)
        case "placement_group":
            return Decimal(0)


def _of_address(kind: str, location: Any, listed: Any) -> Decimal | None:
    for row in listed or ():
        for price in row.get("prices") or ():
            if row.get("type") == kind and location is not None and price.get("location") == location.name:
                return _net(price.get("price_monthly"))
    return None


def _net(price: Any) -> Decimal | None:
    try:
        return Decimal(str((price or {}).get("net")))
    except InvalidOperation:
        return None


def _price(server: BoundServer) -> Decimal | None:
    kind, place = server.server_type, server.location
    if kind is None or place is None:
        return None
    prices = {price.get("location"): price.get("price_monthly", {}).get("net") for price in kind.prices or ()}
    try:
        return Decimal(str(prices.get(place.name)))
    except InvalidOperation:
        return None
