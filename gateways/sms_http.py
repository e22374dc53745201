"""SMS through an HTTP provider, in the shape of OVHcloud's jobs.

    POST {base}/jobs
        {"receivers": ["+336…"], "message": "…", "tag": "…", "sender": "…", "noStopClause": true}
    200 {"ids": [1], "validReceivers": ["+336…"], "invalidReceivers": []}

    GET {base}/outgoing?tag=…
    200 [1]

Both with `Authorization: Bearer …`. `noStopClause` says that the text is not advertising: without it
OVHcloud adds a STOP line and keeps messages back at night and at weekends (https://docs.ovhcloud.com,
"API SMS Cookbook").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from gateways.hearsay import hearsay
from gateways.ports import DeliveryFailed, InDoubt, Outgoing, Receipt
from gateways.wire import Departure, retry_after, time_limits

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_BEHIND_A_PROXY = {502, 504}  # the proxy passed the request on and lost the answer: that is a lost answer


class SmsHttpGateway:
    """One SMS account at `base_url`, opened by the bearer `token`; searchable by tag.

    `sender` is shown on the phone for messages that name none; without either the provider's default is
    shown. `search_delay` is how long the provider takes to list what it accepted. The environment's
    proxy and certificate settings (HTTPS_PROXY, SSL_CERT_FILE) are obeyed.
    """

    searchable = True

    def __init__(
        self,
        base_url: str,
        *,
        token: str,
        sender: str | None = None,
        timeout: timedelta = timedelta(seconds=20),
        search_delay: timedelta = timedelta(seconds=30),
        name: str = "sms",
    ) -> None:
        self.name = name
        self.timeout = timeout
        self.search_delay = search_delay
        self._sender = sender
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=time_limits(timeout),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections kept open."""
        self._client.close()

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        """Ask the provider to send one text.

        4xx other than 408 and 429 are permanent; 408, 429, 5xx and whatever goes wrong before the body
        leaves are not. In doubt: no answer, an answer cut short or not understood, and a proxy's 502 or
        504.
        """
        if message.channel != "sms":
            raise DeliveryFailed(
                f"An SMS provider cannot send a message for {message.channel}.", permanent=True
            )
        if not _E164.fullmatch(message.to):
            raise DeliveryFailed(
                "This is not a number we can text: it must be international, such as +33612345678.",
                permanent=True,
            )
        departure = Departure(fence)
        try:
            response = self._client.post(
                "jobs", json=self._job(message), extensions={"trace": departure.watch}
            )
        except httpx.RequestError as error:
            what = type(error).__name__
            if departure.left:
                raise InDoubt(f"The SMS provider did not answer ({what}).") from error
            raise DeliveryFailed(f"The SMS provider cannot be reached ({what}).", permanent=False) from error
        return _receipt(response)

    def find(self, tag: str) -> Receipt | None:
        """The first message with this tag in the provider's list, or None when the list has none."""
        try:
            response = self._client.get("outgoing", params={"tag": tag})
        except httpx.RequestError as error:
            raise _no_search(type(error).__name__) from error
        found = _json(response)
        if response.status_code != 200 or not isinstance(found, list):
            raise _no_search(f"status {response.status_code}", response)
        return Receipt(str(found[0]), "found by its tag") if found else None

    def _job(self, message: Outgoing) -> dict[str, Any]:
        job: dict[str, Any] = {
            "receivers": [message.to],
            "message": message.text,
            "tag": message.tag,
            "noStopClause": True,
        }
        if sender := message.sender or self._sender:
            job["sender"] = sender
        return job


def _receipt(response: httpx.Response) -> Receipt:
    status, answer = response.status_code, _json(response)
    if status in _BEHIND_A_PROXY:
        raise InDoubt(f"A proxy lost the SMS provider's answer (status {status}).")
    if not response.is_success:
        said = answer.get("message") if isinstance(answer, dict) else None
        why = hearsay(said) if isinstance(said, str) else "no explanation"
        raise DeliveryFailed(
            f"The SMS provider answered {status}: {why}",
            permanent=400 <= status < 500 and status not in {408, 429},
            retry_after=retry_after(response),
            status=status,
        )
    match answer:
        case {"ids": [first, *_]}:
            return Receipt(str(first), f"status {status}")
        case {"invalidReceivers": [_, *_]}:
            raise DeliveryFailed("The SMS provider does not know this number.", permanent=True, status=status)
    raise InDoubt("The SMS provider answered yes, but without an identifier.")


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _no_search(why: str, response: httpx.Response | None = None) -> DeliveryFailed:
    return DeliveryFailed(
        f"The SMS provider cannot be asked for a message ({why}).",
        permanent=False,
        retry_after=None if response is None else retry_after(response),
        status=None if response is None else response.status_code,
    )
