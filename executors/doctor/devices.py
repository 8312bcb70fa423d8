"""A network's device on a machine against what it should be. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from executors.doctor.facts import Device
from executors.findings import Level
from model.names import NodeName


@dataclass(frozen=True)
class WrongDevice:
    """A part of a finding; see `Finding.fault`."""

    level: Level
    text: str
    fault: str = ""


def wrong_device(node: NodeName, name: str, device: Device, wanted: Device) -> Iterator[WrongDevice]:
    """What is wrong with it, and how bad that is; an MTU of 0 is not known."""
    if not device.mtu:
        yield WrongDevice("error", f"there is no device {name} on {node}")
        return
    if not device.up:
        yield WrongDevice("error", f"{name} on {node} is down")
        return
    if device.address != wanted.address:
        text = f"{name} on {node} has {device.address or 'no address'} instead of {wanted.address}"
        yield WrongDevice("error", text, "address")
    for route in wanted.routes:
        if device.address == wanted.address and route not in device.routes:
            yield WrongDevice("error", f"{node} has no route to {route} through {name}")
    if wanted.mtu and device.mtu != wanted.mtu:
        text = f"{name} on {node} has an MTU of {device.mtu} instead of {wanted.mtu}"
        yield WrongDevice("warning", text, "mtu")
