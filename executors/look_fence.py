"""Who may look at machines."""

from gitops.executor import HostFence
from gitops.registry import Registry
from model.errors import Refused


def look_fence(registry: Registry) -> HostFence:
    """The token by which machines know the controller that leads. Raises `Refused` for one that does not."""
    fence = registry.store.fence
    if fence is None:
        raise Refused("Only the flstr serve that leads can look at machines.")
    return HostFence(fence.told)
