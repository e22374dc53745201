"""Our side of one hospital FHIR server: transactions out, reads and searches back, and failures told apart.

What Jalon writes is put by identifier, so a lost answer is no doubt: sending again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import httpx

from gateways.ports import DeliveryFailed
from gateways.wire import retry_after, time_limits

FHIR_JSON = "application/fhir+json; fhirVersion=4.0"
_FORM = "application/x-www-form-urlencoded"

Resource = dict[str, Any]
Parameters = Mapping[str, str | Sequence[str]]


class FhirClient:
    """One destination. Safe to call from several threads.

    `token` is asked for a bearer token before every request, and may itself raise DeliveryFailed. Where the
    server refuses one (401), `refused` is told and the request is made once more with another. The token
    goes to the origin of `base_url` and nowhere else: redirects are not followed, nor `next` links that
    lead elsewhere. With `search_by_post` (the default; R4 asks it of every server) search parameters, which
    may hold an identifier of a patient, stay out of URLs and so out of everybody's access logs.

    Every method raises DeliveryFailed, with `status`, `outcome` and `retry_after` where the server gave
    them: network trouble, 408, 429, 5xx and answers that are not FHIR are temporary, other 4xx
    permanent. Whoever meets a 409 or 412 reads `status` and plans again. `pace` is called before each request
    and returns when it may leave.
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str] | None = None,
        timeout: timedelta = timedelta(seconds=30),
        transport: httpx.BaseTransport | None = None,
        *,
        search_by_post: bool = True,
        refused: Callable[[str], None] | None = None,
        pace: Callable[[], None] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._token = token
        self._refused = refused
        self._pace = pace
        self._search_by_post = search_by_post
        self._client = httpx.Client(
            headers={"Accept": FHIR_JSON},
            timeout=time_limits(timeout),
            transport=transport,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections kept open."""
        self._client.close()

    def transaction(self, bundle: Resource) -> Resource:
        """Send a transaction Bundle; the response Bundle, one entry for each of ours, in order."""
        answer = self._ask("POST", self.base_url, json=bundle, headers={"Content-Type": FHIR_JSON})
        return _resource(answer, "Bundle")

    def read(self, type: str, id: str) -> tuple[Resource, str | None]:
        """One resource and its ETag (`W/"3"`, for If-Match), or None where the server gives no ETag."""
        answer = self._ask("GET", f"{self.base_url}/{type}/{id}")
        return _resource(answer, type), answer.headers.get("ETag")

    def search(self, type: str, params: Parameters, *, pages: int = 10) -> list[Resource]:
        """What matches, with what the search includes; at most `pages` pages of it.

        DeliveryFailed for a `next` link that leads elsewhere, as for `pages`.
        """
        found: list[Resource] = []
        for page, _ in islice(self.pages(type, params), pages):
            found += _found(page)
        return found

    def pages(self, type: str, params: Parameters) -> Iterator[tuple[Resource, bytes]]:
        """Each page of a search as it comes: the searchset Bundle, and the same as the bytes that came.

        Nothing is asked before the page before it is dealt with; whoever stops asking ends the search. A `next` link
        that names the server by another name (a host behind its proxy) is followed here, under the address that we
        know; one that leads anywhere else is DeliveryFailed, for it would carry our token there, and what is left
        out must not look like the end.
        """
        query = httpx.QueryParams(dict(params))
        if self._search_by_post:
            form = {"Content-Type": _FORM}
            answer = self._ask("POST", f"{self.base_url}/{type}/_search", content=str(query), headers=form)
        else:
            answer = self._ask("GET", f"{self.base_url}/{type}", params=query)
        while True:
            page = _resource(answer, "Bundle")
            yield page, answer.content
            following = self._next(page)
            if following is None:
                return
            answer = self._ask("GET", following)

    def read_bytes(self, type: str, id: str) -> tuple[Resource, bytes]:
        """One resource, and the same as the bytes that came."""
        answer = self._ask("GET", f"{self.base_url}/{type}/{id}")
        return _resource(answer, type), answer.content

    def create(self, resource: Resource) -> str:
        """Make a resource there. The id that the server gave it."""
        type_ = resource["resourceType"]
        answer = self._ask(
            "POST", f"{self.base_url}/{type_}", json=resource, headers={"Content-Type": FHIR_JSON}
        )
        place = re.search(rf"{type_}/([A-Za-z0-9\-.]{{1,64}})", answer.headers.get("Location", ""))
        made = (_json(answer) or {}).get("id") if place is None else place[1]
        if not isinstance(made, str):
            raise DeliveryFailed(
                f"The FHIR server made a {type_} without saying where.",
                permanent=False,
                status=answer.status_code,
            )
        return made

    def update(self, resource: Resource) -> None:
        """Put a resource there under the id that it says."""
        place = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
        self._ask("PUT", place, json=resource, headers={"Content-Type": FHIR_JSON})

    def capabilities(self) -> Resource:
        """The server's CapabilityStatement."""
        return _resource(self._ask("GET", f"{self.base_url}/metadata"), "CapabilityStatement")

    def _ask(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        token = self._token() if self._token is not None else ""
        answer = self._once(method, url, token, headers or {}, **rest)
        if answer.status_code == 401 and token and self._refused is not None and self._token is not None:
            # Revoked before its time: another one, once. A second refusal is our account's.
            self._refused(token)
            answer = self._once(method, url, self._token(), headers or {}, **rest)
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    def _once(
        self, method: str, url: str, token: str, headers: Mapping[str, str], **rest: Any
    ) -> httpx.Response:
        shown = {**headers, "Authorization": f"Bearer {token}"} if token else dict(headers)
        if self._pace is not None:
            self._pace()
        try:
            return self._client.request(method, url, headers=shown, **rest)
        except httpx.RequestError as error:
            raise DeliveryFailed(
                f"The FHIR server cannot be reached or did not answer ({type(error).__name__}).",
                permanent=False,
            ) from error

    def _next(self, page: Resource) -> str | None:
        ours = httpx.URL(self.base_url + "/")
        for link in page.get("link", []):
            if link.get("relation") != "next":
                continue
            following = ours.join(link.get("url", ""))
            if not f"{following.path}/".startswith(ours.path):
                raise DeliveryFailed(
                    "The next page of a search leads away from the server's address; correct its base address"
                    " there, or the url in our settings.",
                    permanent=False,
                )
            return str(following.copy_with(scheme=ours.scheme, host=ours.host, port=ours.port))
        return None


def _found(page: Resource) -> list[Resource]:
    return [
        entry["resource"]
        for entry in page.get("entry", [])
        if "resource" in entry and entry.get("search", {}).get("mode") != "outcome"
    ]


def _json(answer: httpx.Response) -> Resource | None:
    try:
        content = answer.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _resource(answer: httpx.Response, wanted: str) -> Resource:
    """The answer as a resource of the wanted type; a sign-in page with status 200 is no answer."""
    content = _json(answer)
    if content is None or content.get("resourceType") != wanted:
        raise DeliveryFailed(
            f"The FHIR server answered {answer.status_code} without a {wanted}; is a proxy in between?",
            permanent=False,
            status=answer.status_code,
        )
    return content


def _refusal(answer: httpx.Response) -> DeliveryFailed:
    content = _json(answer)
    outcome = content if content is not None and content.get("resourceType") == "OperationOutcome" else None
    status = answer.status_code
    said = f"The FHIR server answered {status}"
    if issues := _issues(outcome):
        said += f": {issues}"
    return DeliveryFailed(
        said + ".",
        permanent=400 <= status < 500 and status not in {408, 429},
        retry_after=retry_after(answer),
        outcome=outcome,
        status=status,
    )


def _issues(outcome: Resource | None) -> str:
    """The first issues as code and place. Diagnostics stay in the outcome: they like to quote the patient."""
    issues = (outcome or {}).get("issue", [])[:3]
    return "; ".join(
        " at ".join([str(issue.get("code", "unknown")), *map(str, issue.get("expression", [])[:1])])
        for issue in issues
        if isinstance(issue, dict)
    )
