"""The line to an authority: what passes by itself is tried again, within a time that ends."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from acme import errors, messages
from acme.client import ClientNetwork
from josepy.jwa import ES256
from josepy.jwk import JWK

from executors.certificates.failures import Problem, parse_retry_after

REQUEST_SECONDS = 30
PAUSES = (1.0, 2.0, 4.0)
# Even an authority that rejects every second nonce is asked once in vain in a million requests.
NONCE_TRIES = 20


class Network(ClientNetwork):
    """acme's network, more patient: it repeats a rejected nonce once only, and drops the headers of a problem.

    `trust` is the CA file of an authority that is not publicly trusted itself, such as the lab's; `pause` sleeps.
    """

    def __init__(
        self,
        key: JWK | None,
        within: float,
        trust: Path | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        verify: Any = True if trust is None else str(trust)
        super().__init__(key, alg=ES256, verify_ssl=verify, user_agent="flstr", timeout=REQUEST_SECONDS)
        # Variables of the environment would put other authorities in the place of the one that was named.
        self.session.trust_env = trust is None
        self._deadline = time.monotonic() + within
        self.pause = pause

    def left(self) -> float:
        """Seconds until nothing more is tried."""
        return max(0.0, self._deadline - time.monotonic())

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Sign and send, with a new nonce each time. Raises `Problem`."""
        return self._patiently(lambda: self._post_once(*args, **kwargs))

    def get(self, url: str, content_type: str = ClientNetwork.JSON_CONTENT_TYPE, **kwargs: Any) -> requests.Response:
        """Ask for something public. Raises `Problem`."""
        return self._patiently(lambda: super(Network, self).get(url, content_type, **kwargs))

    def _patiently(self, send: Callable[[], requests.Response]) -> requests.Response:
        pauses, nonces = list(PAUSES), NONCE_TRIES
        while True:
            try:
                return send()
            except Problem as problem:
                if problem.code == "badNonce" and nonces > 1 and self.left():
                    nonces -= 1
                    continue
                if problem.status < 500 or not self._pause(pauses, problem.retry_at):
                    raise
            except (requests.RequestException, errors.ClientError) as error:
                if not _passes(error) or not self._pause(pauses):
                    raise

    def _pause(self, pauses: list[float], until: datetime | None = None) -> bool:
        """Wait before another try; False where there is none, or no time for it."""
        if not pauses:
            return False
        seconds = pauses.pop(0)
        if until is not None:
            seconds = max(seconds, (until - datetime.now(UTC)).total_seconds())
        if seconds >= self.left():
            return False
        self.pause(seconds)
        return True

    @classmethod
    def _check_response(cls, response: requests.Response, content_type: str | None = None) -> requests.Response:
        try:
            return super()._check_response(response, content_type)
        except messages.Error as error:
            when = parse_retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
            raise Problem(error, response.status_code, when) from error


def _passes(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.SSLError):
        return False
    if isinstance(error, requests.ConnectionError | requests.Timeout | errors.MissingNonce):
        return True
    # What is no problem document comes from something before the authority.
    response = error.args[0] if isinstance(error, errors.ClientError) and error.args else None
    return isinstance(response, requests.Response) and response.status_code >= 500
