"""A server's machine, through the backend: boot it, scrap it."""

from lab.cloud.backend import Machine
from lab.cloud.entities import Server
from lab.cloud.primary_ips import release_primary_ip
from lab.cloud.project import Project


async def boot(project: Project, server: Server) -> None:
    """Start the machine, making it first if nobody has started it yet."""
    server.status = "starting"
    try:
        if server.booted:
            await project.backend.power_on(server.machine)
        else:
            server.booted = True
            await project.backend.create(Machine(server.machine, server.ipv4.ip, server.user_data, server.ssh_keys))
    except Exception:
        server.status = "off"
        raise
    server.status = "running"


async def scrap(project: Project, server: Server) -> None:
    """Remove the machine, then everything that pointed at its server."""
    if server.booted:
        await project.backend.delete(server.machine)
    for firewall in project.firewalls:
        firewall.server_ids.discard(server.id)
    for floating_ip in project.floating_ips:
        if floating_ip.server_id == server.id:
            floating_ip.server_id = None
    for primary_ip in filter(None, (server.ipv4, server.ipv6)):
        release_primary_ip(project, primary_ip)
    project.servers.remove(server)
