"""The executors of the controllers, put together from the settings."""

import os
from functools import partial
from pathlib import Path

from cli.given import given
from cli.settings import Settings
from cli.tunnel import access_of
from cli.version import running_version
from executors.control.access import reach
from executors.control.authority import Signer
from executors.control.hand_over import HandingOver
from executors.control.install import Controllers
from executors.control.program import Program, as_installed, from_source
from executors.control.signing import signer_of
from executors.ssh import Ssh
from gitops.certificates import KeySafe, key_safe
from gitops.executor import Executors
from gitops.registry import Registry
from gitops.secrets import Identities

ROOT = Path(__file__).parents[1]


def control_executors(settings: Settings, ssh: Ssh, identities: Identities) -> Executors:
    """Those of flstr on the controllers."""
    controllers = build_controllers(settings, ssh, identities)
    return {
        "controller.install": controllers.install,
        "controller.retire": controllers.retire,
        "controller.hand_over": HandingOver(controllers, access_of(settings), partial(reach, ssh)).hand_over,
    }


def build_controllers(settings: Settings, ssh: Ssh, identities: Identities) -> Controllers:
    """What installs flstr on controllers; on a controller itself, from the archive that it was installed from."""
    signer = partial(_signer, key_safe(identities))
    return Controllers(ssh, _program(settings), given(settings), signer, runs=bool(settings.node))


def _program(settings: Settings) -> Program:
    version = running_version()
    return as_installed(version, ROOT.parent / "archives") if version else from_source(ROOT, cache_of(settings))


def _signer(safe: KeySafe, registry: Registry) -> Signer:
    return signer_of(registry.store, safe, registry.cluster().cluster)


def cache_of(settings: Settings) -> Path:
    """Where what was fetched for controllers is kept."""
    of_user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return settings.cache or of_user / "flstr"
