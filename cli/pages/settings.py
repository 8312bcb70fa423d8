"""`docs/settings.md`, from `cli.settings`."""

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cli.settings import Settings, variable_of

HEAD = """# Settings

Made from `cli/settings.py` by `make docs`. flstr is told by environment variables and by nothing else: who may do what,
the machines and the apps are in the cluster repo (see [manifests](manifests.md)).

| Variable | Default | What it is |
|---|---|---|
"""

FOOT = """
`flstr serve` needs `FLSTR_CLUSTER_REPO` and `HCLOUD_TOKEN`, and for Slack both Slack tokens; without those two it works
from Git and the shell alone. A shell that asks it (`flstr status` and the like) has to find its etcd: it needs the same
`FLSTR_STATE` or `FLSTR_ETCD_ENDPOINTS`, and an address that `cluster.yaml` knows.

The tokens are taken out of the environment as soon as they are read: what flstr starts (Git, etcd) does not inherit
them.

The lab reads one more, `FLSTR_LAB_ROOT`: the folder of its host image and of its hosts' disks, `/var/lib/flstr-lab`.
"""


def settings_page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items()) + FOOT


def _row(name: str, field: FieldInfo) -> str:
    secret = " (secret)" if field.annotation is SecretStr else ""
    plain = "" if field.annotation is SecretStr else str(field.default or "").removesuffix(".0")
    default = f"`{plain}`" if plain else ""
    return f"| `{variable_of(name)}` | {default} | {field.description}{secret} |\n"
