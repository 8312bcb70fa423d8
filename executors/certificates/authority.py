"""One conversation with a certificate authority, under flstr's account there."""

from dataclasses import dataclass, field
from http.client import NOT_FOUND
from pathlib import Path
from typing import Any

from acme import errors, messages
from acme.client import ClientV2
from josepy.json_util import field as json_field
from josepy.jwk import JWK

from executors.certificates.failures import Problem
from executors.certificates.network import Network
from model.names import CertificateHost, Email

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


@dataclass(frozen=True)
class Authority:
    """Where certificates come from; `trust` is the CA file of a directory that is not publicly trusted."""

    directory: str = LETS_ENCRYPT
    trust: Path | None = None
    contact: tuple[Email, ...] = ()


class OrderMessage(messages.NewOrder):
    """acme's order, with the field of RFC 9773 that it does not have yet: the certificate that this one replaces."""

    replaces: str | None = json_field("replaces", omitempty=True)


@dataclass(frozen=True)
class Session:
    """An authority that knows us: `url` is where it keeps our account."""

    authority: Authority
    client: ClientV2
    net: Network
    key: JWK = field(repr=False)
    url: str

    def order(
        self, names: tuple[CertificateHost, ...], csr: bytes, replaces: str | None = None
    ) -> tuple[messages.OrderResource, bool]:
        """A new order, and whether it says that it replaces a certificate; that is left out where the authority does
        not want to hear it."""
        try:
            body, uri = self._new_order(names, replaces)
        except (errors.ConflictError, Problem) as error:
            if replaces is None or not _is_about_replacing(error):
                raise
            replaces = None
            body, uri = self._new_order(names, replaces)
        authorizations = [self.authorization(url) for url in body.authorizations]
        order = messages.OrderResource(body=body, uri=uri, csr_pem=csr, authorizations=authorizations)
        return order, replaces is not None

    def order_at(self, url: str) -> messages.Order:
        """What the authority says of an order."""
        order: messages.Order = messages.Order.from_json(self._ask(url))
        return order

    def find_order(self, url: str) -> messages.Order | None:
        """The same of one that may be gone, or another account's: None then."""
        try:
            return self.order_at(url)
        except Problem as problem:
            if problem.status >= 500 or problem.code == "rateLimited":
                raise
        except errors.ClientError as error:
            # Not every authority says in the words of ACME that something is not there.
            if not error.args or getattr(error.args[0], "status_code", None) != NOT_FOUND:
                raise
        return None

    def authorization(self, url: str) -> messages.AuthorizationResource:
        """What the authority thinks of one name."""
        return messages.AuthorizationResource(body=messages.Authorization.from_json(self._ask(url)), uri=url)

    def _ask(self, url: str) -> Any:
        return self.net.post(url, None, new_nonce_url=self.client.directory["newNonce"]).json()

    def _new_order(self, names: tuple[CertificateHost, ...], replaces: str | None) -> tuple[messages.Order, str]:
        identifiers = [messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name) for name in names]
        order = OrderMessage(identifiers=identifiers, replaces=replaces)
        directory = self.client.directory
        answer = self.net.post(directory["newOrder"], order, new_nonce_url=directory["newNonce"])
        return messages.Order.from_json(answer.json()), answer.headers["Location"]


def enter(authority: Authority, key: JWK, net: Network) -> Session:
    """Begin a conversation: the account is made by the first one, and found again by its key afterwards."""
    client = ClientV2(ClientV2.get_directory(authority.directory, net), net)
    wanted = messages.NewRegistration.from_data(terms_of_service_agreed=True)
    if authority.contact:
        wanted = wanted.update(contact=tuple(f"mailto:{one}" for one in authority.contact))
    try:
        url = client.new_account(wanted).uri
    except errors.ConflictError as known:
        url = known.location
        net.account = messages.RegistrationResource(body=wanted, uri=url)
    return Session(authority, client, net, key, url)


def _is_about_replacing(error: Exception) -> bool:
    """RFC 9773 has 409 for a certificate that was replaced already; of one that it does not know, each authority
    says what it likes."""
    if isinstance(error, Problem):
        return error.code in ("alreadyReplaced", "malformed", "unauthorized") or error.status == 404
    return True
