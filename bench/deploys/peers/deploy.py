"""The deploy as pyinfra's own pages have it: an operation for each thing that is to be so, the shell for the rest."""

from pathlib import Path

from pyinfra import host
from pyinfra.operations import files, git, server, systemd

app, commit, repo = host.data.app, host.data.commit, host.data.repo
mirror, release = f"/var/lib/{app}/mirror.git", f"/var/lib/{app}/releases/{commit}"
url = f"http://{host.data.address}:{host.data.app_port}/health"

git.bare_repo(name="Have a mirror", path=mirror)
server.shell(
    name="Fetch the commit",
    commands=[f"git --git-dir={mirror} fetch --quiet --depth=1 {repo} {commit}"],
)
files.directory(name="Have a folder for the release", path=release)
server.shell(
    name="Lay the release out and build it",
    commands=[
        f"git --git-dir={mirror} archive {commit} | tar -x -C {release}",
        f"cd {release} && ./build.sh >{release}.log 2>&1",
    ],
)
files.template(
    name="Write the unit",
    src=str(Path(__file__).with_name("unit.service.j2")),
    dest=f"/etc/systemd/system/{app}.service",
    mode="644",
    app=app,
    commit=commit,
    address=host.data.address,
    app_port=host.data.app_port,
)
systemd.service(
    name="Restart the service",
    service=f"{app}.service",
    running=True,
    restarted=True,
    enabled=True,
    daemon_reload=True,
)
server.shell(
    name="Wait until it is healthy",
    commands=[f"for _ in $(seq 100); do curl -sf -o /dev/null -m 3 {url} && exit 0; sleep 0.1; done; exit 1"],
)
