"""What machines cost, as the cloud says it."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from decimal import Decimal, InvalidOperation

from hcloud import Client
from hcloud.servers import BoundServer

from executors.cloud import HETZNER
from executors.cloud_errors import in_words
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


def _price(server: BoundServer) -> Decimal | None:
    kind, place = server.server_type, server.location
    if kind is None or place is None:
        return None
    prices = {price.get("location"): price.get("price_monthly", {}).get("net") for price in kind.prices or ()}
    try:
        return Decimal(str(prices.get(place.name)))
    except InvalidOperation:
        return None
