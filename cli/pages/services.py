"""The part of `docs/manifests.md` about services: their manifest, and the options of our playbooks."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.pages.tables import Parts, tables
from gitops.option_forms import in_words
from gitops.playbook_files import options_of
from model.app import ServiceEnv
from model.playbooks import OURS, Playbook
from model.service import DatabaseRole, Service, ServiceBackups, ServicePublish, ServiceUser

PARTS: Parts = (
    ("publish", "`publish` of a service", ServicePublish),
    ("env", "`env` of a service", ServiceEnv),
    ("users.name", "`users.<name>`", ServiceUser),
    ("users.name.roles", "`users.<name>.roles`, a list", DatabaseRole),
    ("backup", "`backup`", ServiceBackups),
)

EXAMPLES = {
    "cache": """\
# yaml-language-server: $schema=../.schema/service.json
service: cache
playbook: redis
nodes: [service101, service102]     # of a pool of role service; the first leads, the other follows
publish:
  port: 6379                        # apps come to 127.0.0.1:6379, wherever they run
env_prefix: CACHE
variables:
  redis_memory: 512mb
backup:
  at: 30 3 * * *
  keep: 7
""",
    "store": """\
service: store
playbook: mongodb
pool: service
publish: {port: 27017}
env_prefix: STORE
users:
  influencer:
    roles: [readWrite, {role: read, db: reports}]
    apps: [influencer]              # finds STORE_USER, and its password in $CREDENTIALS_DIRECTORY/STORE_PASSWORD
""",
    "queue": """\
service: queue
playbook: playbooks/queue.yml       # of this repository, with playbooks/roles/ and playbooks/collections/
pool: service
port: 5672
publish: {port: 5672}
env_prefix: QUEUE
env: {PROTOCOL: amqp}
keeps_data: true                    # the playbook takes back_up and restore
passwords: [client]                 # apps that need it find it in $CREDENTIALS_DIRECTORY/QUEUE_CLIENT
""",
}


def services_section() -> Iterator[str]:
    """Its lines."""
    yield from ("## services/&lt;name&gt;.yaml", "", *tables(Service, PARTS))
    yield from ("Examples, a file each:", "")
    for text in EXAMPLES.values():
        yield from (f"```yaml\n{text}```", "")
    for playbook in OURS.values():
        yield from _of_playbook(playbook)


def _of_playbook(playbook: Playbook) -> Iterator[str]:
    yield from (f"### `variables` of the playbook `{playbook.name}`", "")
    keeps = "It keeps data, which is backed up." if playbook.keeps_data else "It keeps no data."
    leads = " One of its instances leads, and the others follow." if playbook.leads else ""
    alone = " A machine has room for one of them." if playbook.one_a_machine else ""
    peers = f" Its machines talk to one another at port {playbook.peer_port}." if playbook.peer_port else ""
    yield from (f"Its usual port is {playbook.port}.{peers} {keeps}{leads}{alone}", "")
    try:
        options = options_of(playbook.name)
    except FileNotFoundError:
        # Not every playbook has a role whose options are written down.
        return
    yield "| Option | What it is | What may be written | Default |"
    yield "|---|---|---|---|"
    yield from (f"| {row} |" for name, option in options.items() for row in _rows(name, f"`{name}`", option))
    yield ""


def _rows(name: str, title: str, option: Mapping[str, Any]) -> Iterator[str]:
    """An option, and those inside of it."""
    yield f"{title} | {_cell(option.get('description', ''))} | {_allowed(name, option)} | {_default(option)}"
    for inner, more in option.get("options", {}).items():
        yield from _rows(inner, f"{title} · `{inner}`", more)


def _allowed(name: str, option: Mapping[str, Any]) -> str:
    if "choices" in option:
        return ", ".join(f"`{_written(one)}`" for one in option["choices"])
    return _cell("a list, each with the fields below" if "options" in option else in_words(name, option))


def _default(option: Mapping[str, Any]) -> str:
    if option.get("required"):
        return "must be there"
    default = option.get("default")
    return "" if default in (None, "", [], {}) else f"`{_cell(_written(default))}`"


def _written(value: object) -> str:
    """As it would stand in the manifest."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{name}: {_written(one)}" for name, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_written, value)) + "]"
    return str(value)


def _cell(text: object) -> str:
    """A description may be one sentence, or a list of them."""
    sentences = text if isinstance(text, list) else [text]
    return " ".join(str(one) for one in sentences).replace("\n", " ").replace("|", "\\|")
