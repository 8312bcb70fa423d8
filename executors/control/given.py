"""What a controller is given by whoever installs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from executors.control import paths
from executors.control.environment import environment_file
from model.names import NodeName

# A repository that is reached by SSH is reached with flstr's own key. The host of the cluster repo has to be the one
# that whoever installs knows; that of an app's may be another, and is known from the first time on.
_SSH_CONFIG = (
    f"IdentityFile {paths.SSH_KEY}\nIdentitiesOnly yes\nStrictHostKeyChecking accept-new\n"
    f"UserKnownHostsFile ~/.ssh/known_hosts {paths.KNOWN_HOSTS}\n"
)


@dataclass(frozen=True)
class Given:
    """Settings by their variables, the content of files that some of them name, flstr's SSH key and age identity, and
    the SSH host keys of the cluster repo's host."""

    variables: Mapping[str, str] = field(repr=False)
    files: Mapping[str, str]
    ssh_key: Path
    identity: Path
    known_hosts: str = ""

    def environment(self, node: NodeName, endpoints: tuple[str, ...]) -> str:
        """The environment of flstr on a controller, which asks these members of etcd."""
        named = {variable: paths.travelled(variable) for variable in self.files}
        own = {
            "FLSTR_NODE": node,
            "FLSTR_STATE": paths.STATE,
            "FLSTR_ETCD_ENDPOINTS": ",".join(endpoints),
            "FLSTR_ETCD_CA": paths.CA,
            "FLSTR_ETCD_CERTIFICATE": paths.CERTIFICATE,
            "FLSTR_ETCD_KEY": paths.KEY,
        }
        return environment_file({**self.variables, **named, **own})

    def secrets(self) -> dict[str, str]:
        """Files for flstr's user alone, by their paths."""
        return {
            paths.SSH_KEY: self.ssh_key.read_text(),
            paths.IDENTITY: self.identity.read_text(),
            paths.SSH_CONFIG: _SSH_CONFIG,
            paths.KNOWN_HOSTS: self.known_hosts,
        }

    def public(self) -> dict[str, str]:
        """Files that a setting names, by their paths."""
        return {paths.travelled(variable): content for variable, content in self.files.items()}
