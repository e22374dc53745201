"""Finding the route of a request by the first word of its path: there are hundreds, and one in turn is slow.

FastAPI tries every route of every router until one fits. Under ``/fhir`` the type names all that can fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send


class Dispatch(APIRouter):
    """Routes that all begin with ``prefix``, tried in their order among those whose next word is the request's.

    The last of them takes whatever is left. Include it before other routers, so that these are not tried first.
    """

    def __init__(self, prefix: str, routes: Sequence[APIRoute]) -> None:
        super().__init__()
        self.routes.extend(routes)
        self._prefix = prefix
        self._everywhere = [route for route in routes if self._word(route.path).startswith("{")]
        self._by_word: dict[str, list[APIRoute]] = {}
        for route in routes:
            self._by_word.setdefault(self._word(route.path), []).append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is one of ours, which this router then answers whatever it is."""
        ours = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{self._prefix}/")
        return (Match.FULL if ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: coroutines are its only colour."""
        for route in [*self._by_word.get(self._word(scope["path"]), ()), *self._everywhere]:
            match, found = route.matches(scope)
            if match == Match.FULL:
                scope.update(found)
                await route.handle(scope, receive, send)
                return
        raise LookupError(f"no route under {self._prefix} takes everything")

    def _word(self, path: str) -> str:
        return path.removeprefix(self._prefix).removeprefix("/").partition("/")[0]
