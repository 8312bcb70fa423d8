"""The settings of an instance's sandbox that an app may loosen, each by itself, and what each then costs.

They have systemd's own names, and are those that programs are known to fail on. The others stay, each for a reason;
every cost below is reckoned on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from model.base import Frozen

AddressFamily = Literal["AF_NETLINK", "AF_ALG"]
Architecture = Literal["x86", "arm"]
Namespace = Literal["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
SystemCalls = Literal["@cpu-emulation", "@debug", "@mount", "@pkey"]

_FOLLOWS = "without capabilities the app could not use more anyway"

# What no app may loosen, and why.
KEPT: Mapping[str, str] = {
    "DynamicUser": "a user of its own is what keeps an instance from the others and from the machine",
    "NoNewPrivileges": "a program that becomes root on the way would leave the rest of the sandbox",
    "CapabilityBoundingSet": "each capability is a part of root; an instance has a port above 20000 and needs none",
    "AmbientCapabilities": "each capability is a part of root; an instance has a port above 20000 and needs none",
    "RestrictSUIDSGID": "files that run as somebody else are how a break-in stays",
    "ProtectSystem": "instances come and go on any worker, so that what one writes is lost; keep state in a service",
    "PrivateTmp": "a /tmp for all is where apps attack each other",
    "PrivateMounts": _FOLLOWS,
    "ProtectClock": _FOLLOWS,
    "ProtectHostname": _FOLLOWS,
    "ProtectControlGroups": _FOLLOWS,
    "ProtectKernelLogs": _FOLLOWS,
    "ProtectKernelModules": _FOLLOWS,
    "ProtectKernelTunables": _FOLLOWS,
    "RestrictRealtime": _FOLLOWS,
    "IPAddressDeny": "at that address the cloud tells whoever asks with what the machine was made, keys included",
    "RemoveIPC": "what an instance leaves in shared memory would be the next one's",
    "UMask": "what an instance writes is its own; nobody else reads it",
}


class Hardening(Frozen):
    """Settings of the sandbox that the app needs looser; lists add to what is allowed anyway."""

    @model_validator(mode="before")
    @classmethod
    def _only_what_may(cls, value: Any) -> Any:
        kept = [name for name in value if name in KEPT] if isinstance(value, dict) else []
        if kept:
            raise ValueError(f"{kept[0]} cannot be loosened: {KEPT[kept[0]]}")
        return value

    protect_home: Literal["yes", "read-only"] = Field(
        "yes", alias="ProtectHome", description="Whether /home and /root are hidden, or can be read"
    )
    protect_proc: Literal["invisible", "default"] = Field(
        "invisible", alias="ProtectProc", description="Whether processes of others are hidden in /proc"
    )
    private_devices: bool = Field(
        True, alias="PrivateDevices", description="Whether /dev has no device of the machine, such as a GPU"
    )
    private_users: bool = Field(True, alias="PrivateUsers", description="Whether it has a user namespace of its own")
    lock_personality: bool = Field(
        True, alias="LockPersonality", description="Whether it may not change how the kernel runs its programs"
    )
    address_families: tuple[AddressFamily, ...] = Field(
        (), alias="RestrictAddressFamilies", description="Kinds of sockets beside those of IP and Unix"
    )
    namespaces: tuple[Namespace, ...] = Field(
        (), alias="RestrictNamespaces", description="Kinds of namespaces that it may make, such as a browser's sandbox"
    )
    architectures: tuple[Architecture, ...] = Field(
        (), alias="SystemCallArchitectures", description="Whose system calls it may make beside the machine's own"
    )
    system_calls: tuple[SystemCalls, ...] = Field(
        (), alias="SystemCallFilter", description="Groups of system calls beside those of @system-service"
    )


# What the unit has where nothing is loosened; lists of a manifest come on top.
_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "RestrictAddressFamilies": ("AF_INET", "AF_INET6", "AF_UNIX"),
    "RestrictNamespaces": (),
    "SystemCallArchitectures": ("native",),
    "SystemCallFilter": ("@system-service",),
}

_NAMESPACE = "a break-in could set up such namespaces, which open parts of the kernel that are root's else"
_32_BIT = "a break-in could make 32-bit system calls, in which flaws stay unseen for longer"

# By setting and looser value: what somebody who broke into the app could do then.
COSTS: Mapping[tuple[str, str], str] = {
    ("ProtectHome", "read-only"): "a break-in could read what anybody may read in /home",
    ("ProtectProc", "default"): "a break-in sees the command lines of every process on the machine",
    ("PrivateDevices", "no"): "a break-in could use every device of the machine that is open to all users",
    (
        "PrivateUsers",
        "no",
    ): "what a break-in wins by a flaw of the kernel, it wins for the machine and not for a namespace",
    ("LockPersonality", "no"): "a break-in could start programs without address randomisation",
    ("RestrictAddressFamilies", "AF_NETLINK"): "a break-in could see the machine's networks, routes and connections, "
    "and reach more of the kernel",
    ("RestrictAddressFamilies", "AF_ALG"): "a break-in could reach the kernel's cryptography, which has had flaws",
    **{("RestrictNamespaces", kind): _NAMESPACE for kind in ("cgroup", "ipc", "mnt", "net", "pid", "uts")},
    ("RestrictNamespaces", "user"): "a break-in could be root in a namespace of its own, with which most break-outs by "
    "flaws of the kernel begin",
    (
        "SystemCallArchitectures",
        "x86",
    ): _32_BIT,
    (
        "SystemCallArchitectures",
        "arm",
    ): _32_BIT,
    ("SystemCallFilter", "@cpu-emulation"): "a break-in could reach old parts of the kernel that run 16-bit programs",
    ("SystemCallFilter", "@debug"): "a break-in could read and change the memory of the app's other processes",
    (
        "SystemCallFilter",
        "@mount",
    ): "a break-in could mount file systems in namespaces that it may make",
    ("SystemCallFilter", "@pkey"): "a break-in could change which of the app's memory is protected",
}


@dataclass(frozen=True)
class Loosened:
    """One setting that is looser than it has to be; `where` leads to it in `hardening`."""

    name: str
    value: str
    where: tuple[str | int, ...]

    @property
    def cost(self) -> str:
        """What a break-in could do then."""
        return COSTS[self.name, self.value]

    def __str__(self) -> str:
        if self.name in _ALWAYS:
            return f"{self.name} has {self.value} as well: {self.cost}"
        return f"{self.name} is {'off' if self.value == 'no' else self.value}: {self.cost}"


def settings(hardening: Hardening) -> dict[str, str]:
    """Every one of these settings as the unit has it, by systemd's name."""
    found = {}
    for name, value in hardening.model_dump(by_alias=True).items():
        words = (*_ALWAYS[name], *value) if name in _ALWAYS else (_word(value),)
        # Without any, every kind of namespace is refused.
        found[name] = " ".join(words) or "yes"
    return found


def loosened(hardening: Hardening) -> Iterator[Loosened]:
    """What an app has looser than others."""
    strict = Hardening().model_dump(by_alias=True)
    for name, value in hardening.model_dump(by_alias=True).items():
        if name in _ALWAYS:
            yield from (Loosened(name, item, (name, number)) for number, item in enumerate(value))
        elif value != strict[name]:
            yield Loosened(name, _word(value), (name,))


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
