"""The etcd keys: the notes' data model at the top, flannel's own, and what flstr itself remembers under `flstr/`.

Those of services are in `model/service_keys.py`.
"""

from model.names import AppKind

NODES = "node/"
INGRESSES = "ingress/"
CERTIFICATES = "certificate/"
CLUSTER = "flstr/cluster"
SYNC = "flstr/sync"
SYNC_ASKED = "flstr/sync_asked"
LEADER = "flstr/leader"
TROUBLE = "flstr/trouble"
FAILOVER_TROUBLE = "flstr/failover_trouble"
RECIPIENT = "flstr/recipient"
ACME_ACCOUNTS = "flstr/acme_account/"
ASKED_FOR = "flstr/asked_for/"
ORDERS = "flstr/order/"
HOSTS = "flstr/host/"
MESHES = "flstr/mesh/"
MESHED = "flstr/meshed/"
OVERLAID = "flstr/overlaid/"
WALLED = "flstr/walled/"
OVERLAY_CONFIG = "/coreos.com/network/config"
OVERLAY_SUBNETS = "/coreos.com/network/subnets/"
PORTS = "flstr/port/"
ROUTED = "flstr/routed/"
STABLE = "flstr/stable/"
QUARANTINE = "flstr/quarantine/"
DEAD = "flstr/dead/"
LOCKS = "flstr/lock/"
ATTEMPTS = "flstr/attempt/"
OPERATIONS = "flstr/operation/"
APPROVALS = "flstr/approval/"
INTENTS = "flstr/intent/"
ATTACHMENTS = "flstr/attachment/"
CARDS = "flstr/card/"
HOLDS = "flstr/hold/"
HELD = "flstr/held/"
HOLDING = "flstr/holding"
WAITING_REVISION = "flstr/waiting_revision"
FOLLOWERS = "flstr/follower/"
CANCELLATIONS = "flstr/cancellation/"
GIVEN_UP = "flstr/given_up/"
COMMITS = "flstr/commits/"
WANTED_COMMITS = "flstr/wanted_commits/"
HOMES = "flstr/home/"
HEARD = "flstr/heard/"
AUDIT = "flstr/audit/entry/"
AUDIT_HEAD = "flstr/audit/head"
AUDITED = "flstr/audit/told/"
AUDIT_PUSHED = "flstr/audit/pushed"
NOTICES = "flstr/notice/"
TRANSPARENCY = "flstr/transparency/"
DUE = "flstr/due/"
NAMES = "flstr/name/"
LEFT_NAMES = "flstr/left_name/"
FLOATING_IPS = "flstr/floating_ip/"
FLOATED = "flstr/floated/"
UNREACHABLE = "flstr/unreachable/"
ROUNDS = "flstr/round/"
CERTIFIED = "flstr/certified/"
EPOCH = "flstr/epoch"
HANDED_OVER = "flstr/handed_over"
AUTHORITY = "flstr/authority"
ETCD_MEMBERS = "flstr/etcd/"
INSTALLED = "flstr/installed/"
CONTROLLERS = "flstr/controller/"
ENROLLED = "flstr/enrolled/"
ALIVE = "flstr/alive/"
NOT_READY = "flstr/not_ready/"
ORPHANS = "flstr/orphan/"
SCHEDULED = "flstr/scheduled/"
BACKUP = "flstr/backup"
SLIPS = "flstr/slip/"


def node(name: str) -> str:
    """A registered machine."""
    return f"{NODES}{name}"


def ingress(host: str, port: int) -> str:
    """A public address."""
    return f"{INGRESSES}{host}:{port}"


def certificate(name: str) -> str:
    """A certificate by its name, the first of its hosts: `app.example.com` or `*.example.com`."""
    return f"{CERTIFICATES}{name}"


def acme_account(directory: str) -> str:
    """flstr's account with a certificate authority, which is known by the URL of its ACME directory."""
    return f"{ACME_ACCOUNTS}{directory.partition('://')[2]}"


def meta_data(kind: AppKind, app: str) -> str:
    """What others need to know of an app."""
    return f"{kind}/{app}/meta_data"


def instances(kind: AppKind, app: str) -> str:
    """Prefix of an app's serving instances."""
    return f"{kind}/{app}/instance/"


def instance(kind: AppKind, app: str, instance_id: str) -> str:
    """One serving instance."""
    return f"{instances(kind, app)}{instance_id}"


def host(node_name: str) -> str:
    """A rented machine: its address and SSH host key, known before it is first reached."""
    return f"{HOSTS}{node_name}"


def mesh_members(mesh: str) -> str:
    """Prefix of a mesh's members."""
    return f"{MESHES}{mesh}/member/"


def mesh_member(mesh: str, node_name: str) -> str:
    """A machine's public key and endpoint in a mesh."""
    return f"{mesh_members(mesh)}{node_name}"


def mesh_addresses(mesh: str) -> str:
    """Prefix of a mesh's allotted addresses."""
    return f"{MESHES}{mesh}/address/"


def mesh_address(mesh: str, address: str) -> str:
    """An address held by one machine; the value is the node's name."""
    return f"{mesh_addresses(mesh)}{address}"


def meshed(node_name: str) -> str:
    """What a machine's meshes were last brought to, by digest."""
    return f"{MESHED}{node_name}"


def overlaid(node_name: str) -> str:
    """What a machine's overlay was last brought to, by digest."""
    return f"{OVERLAID}{node_name}"


def walled(node_name: str) -> str:
    """What a machine's firewall was last brought to, by digest."""
    return f"{WALLED}{node_name}"


def overlay_subnet(subnet: str) -> str:
    """flannel's lease of a subnet such as `10.5.40.0/24`."""
    return f"{OVERLAY_SUBNETS}{subnet.replace('/', '-')}"


def ports(node_name: str) -> str:
    """Prefix of the ports allotted on a machine."""
    return f"{PORTS}{node_name}/"


def port(node_name: str, number: int) -> str:
    """A port held by one instance; the value is a PortRecord."""
    return f"{ports(node_name)}{number}"


def routed(node_name: str) -> str:
    """What a machine's routing was last brought to, by digest."""
    return f"{ROUTED}{node_name}"


def stable(kind: AppKind, app: str) -> str:
    """The release of an app that last served as a whole."""
    return f"{STABLE}{kind}/{app}"


def quarantine(kind: AppKind, app: str, spec: str) -> str:
    """A release that failed."""
    return f"{QUARANTINE}{kind}/{app}/{spec}"


def dead(node_name: str) -> str:
    """A machine that was silent for so long that its instances run elsewhere; the value is since when."""
    return f"{DEAD}{node_name}"


def lock(name: str) -> str:
    """An app, or the machines, while an operation changes them; the value is the operation's id."""
    return f"{LOCKS}{name}"


def attempt(lock_name: str) -> str:
    """The plan that ran last for a lock, by revision and digest; the same is not run again by itself."""
    return f"{ATTEMPTS}{lock_name}"


def operation(operation_id: str) -> str:
    """A plan being carried out."""
    return f"{OPERATIONS}{operation_id}"


def approval(approval_id: str) -> str:
    """A decision that is waited for, or was taken."""
    return f"{APPROVALS}{approval_id}"


def intent(intent_id: str) -> str:
    """What somebody asked for, with its answer once there is one."""
    return f"{INTENTS}{intent_id}"


def attachment(intent_id: str) -> str:
    """The file that goes with an intent's answer."""
    return f"{ATTACHMENTS}{intent_id}"


def card(record_id: str) -> str:
    """Where an operation, approval or notice was posted."""
    return f"{CARDS}{record_id}"


def notice(notice_id: str) -> str:
    """Something the channel has to hear once."""
    return f"{NOTICES}{notice_id}"


def asked_for(serial: str) -> str:
    """A certificate that flstr asked for, by its serial number."""
    return f"{ASKED_FOR}{serial}"


def order(name: str) -> str:
    """What the authority was asked to issue for a certificate's name, until it is known what came of it."""
    return f"{ORDERS}{name}"


def transparency(domain: str) -> str:
    """The certificates that were last seen logged for a registered domain."""
    return f"{TRANSPARENCY}{domain}"


def due(name: str) -> str:
    """A certificate that is to be got now; the value is why."""
    return f"{DUE}{name}"


def dns_name(name: str) -> str:
    """A DNS name that flstr made; the value is the addresses that it leads to, with spaces between them."""
    return f"{NAMES}{name}"


def left_name(name: str) -> str:
    """A DNS name that is left to its owner; the value is why."""
    return f"{LEFT_NAMES}{name}"


def floating_ip(name: str) -> str:
    """A rented floating IP, and who holds it."""
    return f"{FLOATING_IPS}{name}"


def floated(node_name: str) -> str:
    """The floating IPs that a machine was last told to answer at, with spaces between them."""
    return f"{FLOATED}{node_name}"


def unreachable(node_name: str) -> str:
    """An ingress whose public side does not answer; the value is since when."""
    return f"{UNREACHABLE}{node_name}"


def check_round(verb: str) -> str:
    """When the daily round of a check was last made."""
    return f"{ROUNDS}{verb}"


def certified(node_name: str) -> str:
    """The certificates that an ingress was last given: `name=serial`, with spaces between them."""
    return f"{CERTIFIED}{node_name}"


def hold(hold_id: str) -> str:
    """Something that is left as it is for a while."""
    return f"{HOLDS}{hold_id}"


def held(hold_id: str, since: float) -> str:
    """A hold that has ended, with who ended it."""
    return f"{HELD}{hold_id}-{since:.3f}"


def followers(operation_id: str) -> str:
    """Prefix of those who wait for the end of an operation."""
    return f"{FOLLOWERS}{operation_id}/"


def follower(operation_id: str, user: str) -> str:
    """A Slack user who asked for what an operation does already, and is told of its end."""
    return f"{followers(operation_id)}{user}"


def cancellation(operation_id: str) -> str:
    """That somebody gave an operation up that runs; the value is what it says at its end."""
    return f"{CANCELLATIONS}{operation_id}"


def given_up(lock_name: str) -> str:
    """That somebody cancelled what changes an app or the machines: under which revision, while what was dead."""
    return f"{GIVEN_UP}{lock_name}"


def commits(app: str) -> str:
    """The newest commits of an app's repository, for whoever picks one."""
    return f"{COMMITS}{app}"


def wanted_commits(app: str) -> str:
    """When somebody last wanted to pick from an app's commits."""
    return f"{WANTED_COMMITS}{app}"


def home(user: str) -> str:
    """When a Slack user last opened the home tab."""
    return f"{HOMES}{user}"


def heard(channel: str) -> str:
    """The newest message of a channel that flstr has looked at."""
    return f"{HEARD}{channel}"


def audit_entry(number: int) -> str:
    """An entry of the audit, by its number."""
    return f"{AUDIT}{number:012d}"


def audited(source: str) -> str:
    """Whether a record is in the audit; the value is the entry's number."""
    return f"{AUDITED}{source}"


def etcd_member(node_name: str) -> str:
    """A controller on which a member of the cluster's etcd runs."""
    return f"{ETCD_MEMBERS}{node_name}"


def installed(node_name: str) -> str:
    """The version of flstr that was last installed on a controller, by the digest of its archive."""
    return f"{INSTALLED}{node_name}"


def controller(node_name: str) -> str:
    """That a `flstr serve` runs on a controller; goes with a lease that this keeps alive."""
    return f"{CONTROLLERS}{node_name}"


def enrolled(node_name: str) -> str:
    """What a machine was last told of where to register itself, by digest."""
    return f"{ENROLLED}{node_name}"


def alive(node_name: str) -> str:
    """What a machine says of itself; goes with a lease that it keeps alive."""
    return f"{ALIVE}{node_name}"


def not_ready(node_name: str) -> str:
    """A machine that is silent, given up or not yet, and gets no traffic; the value is since when."""
    return f"{NOT_READY}{node_name}"


def orphan(name: str) -> str:
    """Something in the cloud that is this cluster's by its label, and that flstr knows nothing else of."""
    return f"{ORPHANS}{name}"


def scheduled(pool: str) -> str:
    """Up to when a pool's schedule was followed, in Unix time, and the digest of that schedule."""
    return f"{SCHEDULED}{pool}"


def slip(name: str) -> str:
    """How many transactions were made with a slip, so that none is made twice."""
    return f"{SLIPS}{name}"
