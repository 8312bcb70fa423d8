"""A network's device on a machine against what it should be. Pure."""

from collections.abc import Iterator

from executors.doctor.facts import Device
from executors.doctor.findings import Level
from model.names import NodeName


def wrong_device(node: NodeName, name: str, device: Device, wanted: Device) -> Iterator[tuple[Level, str]]:
    """What is wrong with it, and how bad that is; an MTU of 0 is not known."""
    if not device.mtu:
        yield "error", f"there is no device {name} on {node}"
        return
    if not device.up:
        yield "error", f"{name} on {node} is down"
        return
    if device.address != wanted.address:
        yield "error", f"{name} on {node} has {device.address or 'no address'} instead of {wanted.address}"
    for route in wanted.routes:
        if device.address == wanted.address and route not in device.routes:
            yield "error", f"{node} has no route to {route} through {name}"
    if wanted.mtu and device.mtu != wanted.mtu:
        yield "warning", f"{name} on {node} has an MTU of {device.mtu} instead of {wanted.mtu}"
