"""Machines come and go: rented under a host key made beforehand, reached for the first time, given back."""

import time
from ipaddress import IPv4Address

from hcloud.actions import BoundAction
from hcloud.servers import BoundServer

from executors.cloud import Cloud, CloudSettings, MaybeRented
from executors.cloud_errors import DEFINITE, CloudFailed
from executors.cloud_init import user_data
from executors.firewall import firewall_script
from executors.first_contact import first_contact_script
from executors.host_key import HostKey, host_key_label, new_host_key
from executors.mesh_keys import register_members
from executors.overlay import register_overlay_key
from executors.places import Place, next_place, nothing_to_rent, places
from executors.remote import Remote, Unreachable
from gitops.control import is_bootstrapped
from gitops.executor import StepContext
from gitops.firewall import zones_in_role
from gitops.overlay_leases import drop
from model.errors import StepFailed
from model.registered import HostRecord
from model.steps import CreateNode, DestroyNode

# How long a request of a controller that was killed may still take to show its server.
LATE_SECONDS = 5.0
BOOT_SECONDS = 120.0
RETRY_SECONDS = 0.3
FIRST_CONTACT_SECONDS = 400.0


class Provision:
    """Carries out `CreateNode` and `DestroyNode`."""

    def __init__(self, ssh: Remote, settings: CloudSettings) -> None:
        self._ssh = ssh
        self._settings = settings

    def create_node(self, step: CreateNode, context: StepContext) -> None:
        """Rent a machine or adopt the one that is there, reach it, and register its mesh keys."""
        cluster = context.registry.cluster()
        cloud = Cloud(self._settings, cluster.cluster)
        self._rent_or_adopt(step, context, cloud)
        meshes = cluster.meshes_of(step.role)
        overlay = cluster.overlay if cluster.has_overlay(step.role) else None
        has_key = overlay is not None and overlay.driver == "wireguard"
        registered = context.registry.read()
        firewall = firewall_script(zones_in_role(step.node, step.role, cluster, registered))
        registers = is_bootstrapped(registered)
        script = first_contact_script(step.role, meshes, has_key, firewall, registers=registers)
        output = self._first_contact(step.node, script, context)
        register_members(step.node, step.role, meshes, output, context)
        if overlay is not None and has_key:
            register_overlay_key(step.node, output, overlay, context.registry)
        context.report("ready")

    def destroy_node(self, step: DestroyNode, context: StepContext) -> None:
        """Give a machine back and forget it."""
        cluster = context.registry.cluster()
        cloud = Cloud(self._settings, cluster.cluster)
        if _was_only_asked_for(context.registry.host(step.node)):
            # Its server may still appear, and would be paid for by nobody's wish.
            cloud.find(step.node, within=LATE_SECONDS)
        context.report("giving the server back")
        context.registry.store.check_fence()
        there_was_one = cloud.give_back(step.node)
        cloud.drop_unused_groups()
        if cluster.dissolved:
            # Nobody takes it out of networks that go as a whole.
            context.registry.forget_node(step.node)
        context.registry.forget_host(step.node)
        context.report("the server is gone" if there_was_one else "the server was gone already")

    def _rent_or_adopt(self, step: CreateNode, context: StepContext, cloud: Cloud) -> None:
        asked_before = _was_only_asked_for(context.registry.host(step.node))
        server = cloud.find(step.node, within=LATE_SECONDS if asked_before else 0.0)
        if server is not None:
            self._adopt(server, step, context)
            if self._starts(step, cloud.creation(server), context, cloud) is None:
                return
        self._rent(step, context, cloud)

    def _rent(self, step: CreateNode, context: StepContext, cloud: Cloud) -> None:
        """Rent a machine at the first place that has one; where none has, everything is as before."""
        host_key = new_host_key()
        tried = list[tuple[Place, CloudFailed]]()
        left = list(places(step))
        place: Place | None = left.pop(0)
        while place is not None:
            failed = self._rent_at(place, host_key, step, context, cloud)
            if failed is None:
                if tried:
                    context.report(f"rented a {place}, as there was no {tried[0][0]}")
                return
            tried.append((place, failed))
            place = next_place(left, place, failed)
            left = left[left.index(place) + 1 :] if place is not None else []
        context.registry.forget_host(step.node)
        if step.spread:
            cloud.drop_unused_groups()
        raise StepFailed(nothing_to_rent(step.node, tried))

    def _rent_at(
        self, place: Place, host_key: HostKey, step: CreateNode, context: StepContext, cloud: Cloud
    ) -> CloudFailed | None:
        """Why there is none at this place, or None where there is."""
        # Registered before the request: whatever comes of it can be told from a stranger's machine.
        context.registry.put_host(HostRecord(node=step.node, host_key=host_key.public))
        context.report(f"renting a {place}")
        seed = user_data(step.node, host_key, self._settings.ssh_public_key)
        try:
            rented = cloud.rent(step, place, seed, host_key_label(host_key.public))
        except CloudFailed as error:
            if error.code not in DEFINITE:
                raise
            return error
        except MaybeRented as error:
            server = cloud.find(step.node, within=LATE_SECONDS)
            if server is None:
                raise StepFailed(
                    f"{step.node}: the cloud's API broke off in the middle of renting; try again"
                ) from error
            self._adopt(server, step, context)
            return self._starts(step, cloud.creation(server), context, cloud)
        self._register(rented.server, step, host_key.public, context)
        context.report("starting")
        return self._starts(step, rented.actions, context, cloud)

    @staticmethod
    def _starts(
        step: CreateNode, actions: tuple[BoundAction, ...], context: StepContext, cloud: Cloud
    ) -> CloudFailed | None:
        """Why a server does not start, which is given back then; None where it does."""
        try:
            cloud.await_start(step.node, actions)
        except CloudFailed as error:
            if not error.code:
                raise
            context.report("the cloud could not make it; giving it back")
            context.registry.store.check_fence()
            cloud.give_back(step.node)
            return error
        return None

    def _adopt(self, server: BoundServer, step: CreateNode, context: StepContext) -> None:
        record = context.registry.host(step.node)
        if record is None or (server.labels or {}).get("host-key") != host_key_label(record.host_key):
            raise StepFailed(
                f"{step.node}: server {server.id} of that name was not started with the SSH host key that is "
                "registered; delete it in the Hetzner console, then try again"
            )
        context.report(f"adopting server {server.id}")
        self._register(server, step, record.host_key, context)

    @staticmethod
    def _register(server: BoundServer, step: CreateNode, host_key: str, context: StepContext) -> None:
        ip = server.public_net.ipv4.ip if server.public_net and server.public_net.ipv4 else None
        if ip is None:
            raise StepFailed(f"{step.node}: server {server.id} has no public IPv4 address; flstr needs one")
        record = HostRecord(node=step.node, host_key=host_key, ip=str(IPv4Address(ip)), server_id=server.id)
        before = context.registry.host(step.node)
        if before is not None and before.ip not in (None, record.ip):
            drop(context.registry.store, str(before.ip))
        if before != record:
            context.registry.put_host(record)

    def _first_contact(self, node: str, script: str, context: StepContext) -> str:
        context.report("waiting for SSH")
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                return self._ssh.run(node, script, context.fence, FIRST_CONTACT_SECONDS)
            except Unreachable as error:
                if time.monotonic() > deadline:
                    raise StepFailed(f"{error.sentence} after {BOOT_SECONDS:.0f} s; look at its console") from error
            time.sleep(RETRY_SECONDS)


def _was_only_asked_for(record: HostRecord | None) -> bool:
    """Whether a controller was killed, or its cloud fell silent, before it knew what became of its request."""
    return record is not None and record.server_id is None
