"""Machines that exist in memory only."""

from lab.cloud.backend import Machine


class MemoryBackend:
    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        self.calls: list[tuple[str, str]] = []
        self.routes: dict[str, str | None] = {}

    async def create(self, machine: Machine) -> None:
        if machine.name in self.machines:
            raise RuntimeError(f"machine {machine.name} exists already")
        self.calls.append(("create", machine.name))
        self.machines[machine.name] = machine

    async def power_on(self, name: str) -> None:
        self.calls.append(("power_on", name))

    async def power_off(self, name: str) -> None:
        self.calls.append(("power_off", name))

    async def shutdown(self, name: str) -> None:
        self.calls.append(("shutdown", name))

    async def reboot(self, name: str) -> None:
        self.calls.append(("reboot", name))

    async def route(self, address: str, to: str | None) -> None:
        self.routes[address] = to

    async def delete(self, name: str) -> None:
        self.calls.append(("delete", name))
        self.machines.pop(name, None)
