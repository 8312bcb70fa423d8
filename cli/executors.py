"""The executors of every kind of step, put together from the settings."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import paramiko

from cli.control import control_executors
from cli.own_keys import KEY_FILE, ssh_key
from cli.services import build_playbooks, data_executors
from cli.settings import Settings
from executors.certificates.authority import Authority
from executors.certificates.dns01 import servers_by
from executors.certificates.obtain import Doors, Obtaining
from executors.certificates.office import Office
from executors.certificates.roots import trusted_roots
from executors.cloud import CloudSettings
from executors.control.enrolment import Enrolment
from executors.control.etcd_members import EtcdMembers
from executors.deploy import deploy_executors
from executors.doctor.check import Doctor
from executors.ending import Ending, Own
from executors.environments import Environments
from executors.floating import Floating
from executors.graph.check import Graph
from executors.logs import Logs
from executors.mesh import Mesh
from executors.names import Names
from executors.orphans import GiveBack, OrphanCheck
from executors.overlay import OverlayNetwork
from executors.padlock.check import Outside, PadlockCheck
from executors.padlock.dns_lookup import caa_lookup
from executors.prices import OrphanPrices
from executors.provision import Provision
from executors.records.records import Records
from executors.remote import OnEnd
from executors.services.ansible import clear_left
from executors.services.kept import Keeping
from executors.services.steps import Services
from executors.ssh import Ssh
from executors.transparency.check import TransparencyCheck, sources_at
from gitops.app_repos import AppRepos
from gitops.certificates import key_safe, read_asked_for
from gitops.executor import Executors, HostChecks
from gitops.registry import Registry
from gitops.rounds import Round, of_certificates, of_hosts
from gitops.secrets import Identities
from gitops.store import Store


def warm_connections(settings: Settings, registry: Registry) -> Ssh:
    """One a host, made when it is first needed."""
    return Ssh(registry.host, ssh_key(settings.state / KEY_FILE))


def cloud_settings(settings: Settings) -> CloudSettings:
    """How the cloud is reached."""
    return CloudSettings(
        token=settings.hcloud_token.get_secret_value(),
        ssh_public_key=_public_line(ssh_key(settings.state / KEY_FILE)),
        api_endpoint=settings.hcloud_endpoint,
    )


def build_executors(
    settings: Settings,
    ssh: Ssh,
    identities: Identities,
    app_repos: AppRepos,
    on_routed: OnEnd | None = None,
    unbind: Callable[[], None] = lambda: None,
) -> Executors:
    """By the kind of step; all of them share one warm connection a host.

    `unbind` has this program go on though it leads no longer, for the end of the cluster that it runs on.
    """
    cloud = cloud_settings(settings)
    provision, mesh, overlay = Provision(ssh, cloud), Mesh(ssh), OverlayNetwork(ssh)
    floating, safe = Floating(ssh, cloud), key_safe(identities)
    etcd, enrolment = EtcdMembers(ssh, safe), Enrolment(ssh, safe)
    # Whoever was killed in the middle of a run left it.
    clear_left(settings.state)
    services = build_services(settings, ssh, identities)
    return {
        "node.create": provision.create_node,
        "node.destroy": provision.destroy_node,
        "mesh.join": mesh.join,
        "mesh.refresh": mesh.refresh,
        "mesh.retire": mesh.retire,
        "mesh.leave": enrolment.leaving(mesh.leave),
        "node.enrol": enrolment.enrol,
        "overlay.join": overlay.join,
        "overlay.leave": overlay.leave,
        "overlay.retire": overlay.retire,
        "etcd.found": etcd.found,
        "etcd.add": etcd.add,
        "etcd.remove": etcd.remove,
        "names.point": Names(cloud).point,
        "floating_ip.hold": floating.hold,
        "floating_ip.settle": floating.settle,
        "floating_ip.give_back": floating.give_back,
        "cluster.end": Ending(
            cloud, Own(own, ending_note(settings), unbind) if (own := own_node(settings)) else None
        ).end,
        "orphan.give_back": GiveBack(cloud).give_back,
        "certificate.obtain": Obtaining(
            partial(certificate_office, settings, identities=identities),
            Doors(ssh, partial(Records, cloud), servers_by(settings.nameserver)),
        ).obtain,
        "service.apply": services.apply,
        "service.note": services.note,
        "service.remove": services.remove,
        **data_executors(settings, ssh, build_playbooks(settings, ssh, identities), identities),
        **control_executors(settings, ssh, identities),
        **deploy_executors(ssh, identities.decrypt, app_repos.thin_pack, on_routed),
    }


def build_services(settings: Settings, ssh: Ssh, identities: Identities) -> Services:
    """What carries the steps of services out, and says what they would change."""
    return Services(build_playbooks(settings, ssh, identities), Keeping(ssh))


def own_node(settings: Settings) -> str:
    """The machine of the cluster that this flstr runs on; empty outside of it."""
    return settings.node


def ending_note(settings: Settings) -> Path:
    """Where it is noted that the cluster is ending."""
    return settings.state / "ending"


def build_checks(settings: Settings, registry: Registry) -> HostChecks:
    """The checks of the outside, by verb. Those that reach machines have connections of their own, so that a long step
    never keeps a look waiting."""
    ssh = warm_connections(settings, registry)
    doctor = Doctor(ssh)
    return {
        "padlock": PadlockCheck(_outside(settings)),
        "crtsh": _transparency(settings),
        "doctor": doctor,
        "graph": Graph(doctor),
        "logs": Logs(ssh),
        "env": Environments(ssh),
        "orphans": OrphanCheck(OrphanPrices(settings.hcloud_token.get_secret_value(), settings.hcloud_endpoint)),
    }


def build_rounds(settings: Settings) -> Mapping[str, Round]:
    """The checks that are made every day, by verb."""
    return {
        "padlock": Round(PadlockCheck(_outside(settings)), "The daily padlock round", of_hosts),
        "crtsh": Round(_transparency(settings).round, "The daily crt.sh round", of_certificates),
    }


def certificate_office(settings: Settings, store: Store, identities: Identities) -> Office:
    """Where certificates come from, and where they are kept. Raises `Refused` where the roots cannot be read."""
    authority = Authority(settings.acme_directory, settings.acme_directory_ca)
    return Office(store, key_safe(identities), authority, trusted_roots(settings.acme_root))


def _transparency(settings: Settings) -> TransparencyCheck:
    return TransparencyCheck(
        sources_at(settings.crtsh_url, settings.certspotter_url),
        asked_for=lambda registry: read_asked_for(registry.store),
        authority=settings.acme_issuer,
    )


def _outside(settings: Settings) -> Outside:
    servers = [settings.nameserver] if settings.nameserver else []
    return Outside(settings.acme_root, settings.acme_caa, caa_lookup(servers))


def _public_line(path: Path) -> str:
    key = paramiko.Ed25519Key.from_private_key_file(str(path))
    return f"{key.get_name()} {key.get_base64()}"
