"""Everything that flstr talks to, on this machine: a cloud whose servers are hosts, DNS, ACME, crt.sh, S3, Slack, Git.

All of it has one address, the same for this machine and for the hosts, so that a flstr may run here or there. The page
at which people are in Slack is on loopback.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.acme.server import AcmeServer
from lab.acme.settings import ISSUER, AcmeSettings
from lab.cloud.server import CloudApi
from lab.cloud.settings import CloudSettings
from lab.ct.server import CtApi
from lab.dns.control import control_routes
from lab.dns.server import PORT, DnsServer, Sockets
from lab.doors import at_router, door
from lab.gitrepo import INFLUENCER, Commit
from lab.image import Progress
from lab.lab import Lab
from lab.naming import LabFolders
from lab.process import run
from lab.s3.server import S3Api
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings

CLOUD_TOKEN = "lab-token"  # noqa: S105 - opens a cloud on loopback only
EXAMPLE = Path(__file__).parents[1] / "cluster-repo-example"


@dataclass(frozen=True)
class Wishes:
    """How a lab differs from an ordinary one; `edits` replace text in the cluster repo's files."""

    cloud: CloudSettings = field(default_factory=CloudSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    slack_port: int = 0
    edits: Mapping[str, str] = field(default_factory=dict)


class Surroundings:
    """A lab with its cloud, its DNS, its certificate authority with the logs of what that issues, its object
    storage, its Slack, and its repositories."""

    def __init__(self, lab: Lab, wishes: Wishes) -> None:
        self.lab = lab
        self.cloud = CloudApi(
            lab.machines,
            map(str, lab.host_addresses),
            CLOUD_TOKEN,
            wishes.cloud,
            floating_addresses=map(str, lab.floating_addresses),
        )
        self.dns = DnsServer(self.cloud.project.zones)
        self.cloud.more_control += control_routes(self.dns)
        self.slack = SlackApi(settings=wishes.slack)
        self.ct = CtApi()
        asking = AcmeSettings(f"{self.nameserver}:{PORT}", address=self.nameserver)
        self.acme = AcmeServer(lab.folder / "acme", asking, self.ct.log, lab.machines.router.namespace)
        self.s3 = S3Api()
        self.cloud_url = ""
        self.ct_url = ""
        self.s3_url = ""
        self.cluster_repo = ""
        self.app_repo = ""
        self._wishes = wishes

    @classmethod
    async def up(
        cls,
        name: str,
        wishes: Wishes | None = None,
        folders: LabFolders | None = None,
        progress: Progress = lambda _share, _line: None,
    ) -> "Surroundings":
        """Stand everything up. Raises LabError, and leaves nothing then."""
        wishes = wishes or Wishes()
        lab = await Lab.up(name, folders, progress)
        around = cls(lab, wishes)
        try:
            await around._seed()
            await around._serve()
        except BaseException:
            await around.down()
            raise
        return around

    async def down(self) -> None:
        """Stop everything and remove it."""
        await self.acme.stop()
        await self.s3.stop()
        await self.ct.stop()
        await self.slack.stop()
        await self.cloud.stop()
        await self.dns.stop()
        await self.lab.down()

    @property
    def state(self) -> Path:
        """Where a flstr of this lab keeps what is its own; it goes with the lab."""
        return self.lab.folder / "flstr"

    @property
    def nameserver(self) -> str:
        """Where DNS for the cloud's zones is served, at port 53, to hosts and to this machine."""
        return self.lab.machines.router.address

    def environment(self) -> dict[str, str]:
        """The variables that turn a flstr towards this lab, and the `hcloud` command as well."""
        return {
            "FLSTR_STATE": str(self.state),
            "FLSTR_CLUSTER_REPO": self.cluster_repo,
            "FLSTR_POLL_SECONDS": "1",
            "HCLOUD_TOKEN": CLOUD_TOKEN,
            "HCLOUD_ENDPOINT": self.cloud_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "FLSTR_CRTSH_URL": self.ct_url,
            "FLSTR_CERTSPOTTER_URL": self.ct_url,
            "FLSTR_S3_ACCESS_KEY": self.s3.settings.access_key,
            "FLSTR_S3_SECRET_KEY": self.s3.settings.secret_key,
            "FLSTR_NAMESERVER": self.nameserver,
            "FLSTR_ACME_DIRECTORY": self.acme.directory,
            "FLSTR_ACME_DIRECTORY_CA": str(self.acme.directory_authority),
            "FLSTR_ACME_ROOT": str(self.acme.root),
            "FLSTR_ACME_ISSUER": ISSUER,
        }

    async def _serve(self) -> None:
        router = self.lab.machines.router
        await self.dns.start(await at_router(router, "name server", lambda address: Sockets.bound(address, PORT)))
        self.cloud_url = await self.cloud.start(await door(router, "cloud"))
        await self.slack.start(port=self._wishes.slack_port)
        await self.slack.open(await door(router, "Slack"))
        self.ct_url = await self.ct.start(await door(router, "crt.sh"))
        self.s3_url = await self.s3.start(await door(router, "S3"))
        await self.acme.start()

    async def _seed(self) -> None:
        self.app_repo = await self.lab.git.seed("influencer", INFLUENCER)
        repository = str(self.lab.git.path("influencer"))
        first = (await run("git", f"--git-dir={repository}", "rev-list", "--max-parents=0", "main")).strip()
        with tempfile.TemporaryDirectory(prefix="flstr-lab-") as temporary:
            folder = Path(temporary, "cluster")
            shutil.copytree(EXAMPLE, folder)
            _edit(
                folder, {"git://git.example.com/influencer.git": self.app_repo, "0" * 40: first, **self._wishes.edits}
            )
            commit = Commit("One controller, two workers, one ingress, and influencer", folder)
            self.cluster_repo = await self.lab.git.seed("cluster", (commit,))


def _edit(folder: Path, edits: Mapping[str, str]) -> None:
    for file in folder.rglob("*.yaml"):
        text = file.read_text()
        for old, new in edits.items():
            text = text.replace(old, new)
        file.write_text(text)
