"""What of a cluster is public: its host names, and the registered domains they belong to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitops.domains import is_within, plain_name, registered_domain, stands_for
from model.registered import Registered
from model.transparency import Issuance


@dataclass(frozen=True)
class Ours:
    """The published host names of one registered domain; or, with `only`, one name of it."""

    domain: str
    hosts: tuple[str, ...]
    only: str = ""

    @property
    def title(self) -> str:
        """What is asked about."""
        return self.only or self.domain

    def in_domain(self, issuance: Issuance) -> bool:
        """Whether a certificate is for any name of the registered domain."""
        return any(is_within(name, self.domain) for name in issuance.names)

    def is_about(self, issuance: Issuance) -> bool:
        """Whether a certificate is for what is asked about."""
        return self.for_host(issuance) if self.only else self.in_domain(issuance)

    def for_host(self, issuance: Issuance) -> bool:
        """Whether a certificate is good for one of the hosts, by its name or by a star."""
        return any(stands_for(name, host) for name in issuance.names for host in self.hosts)


def every_one(registered: Registered) -> tuple[Ours, ...]:
    """All that is published, by registered domain."""
    hosts = sorted({plain_name(one.publish.host_name) for one in registered.ingress.values()})
    domains = sorted({registered_domain(host) for host in hosts})
    return tuple(Ours(domain, tuple(host for host in hosts if registered_domain(host) == domain)) for domain in domains)


def one_of(name: str, every: Sequence[Ours]) -> Ours | None:
    """A registered domain of ours, or a name within one; None for what is somebody else's."""
    for ours in every:
        if name == ours.domain:
            return ours
        if is_within(name, ours.domain):
            return replace(ours, hosts=(name,), only=name)
    return None
