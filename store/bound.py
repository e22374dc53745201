"""The shape of a search apart from its values, so that the statement of a shape is made once and asked with each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from store.asked import Dates, Ids, Named, Place, Question, Span, Statuses, Tokens, Updated, Wanted


def bound(question: Question) -> tuple[Question, dict[str, Any]]:
    """The question with the names of parameters where its values were, and the values by name.

    Two questions that differ in their values alone have the same shape.
    """
    values = _Values()
    wanted = tuple(values.of(one) for one in question.wanted)
    after = values.place(question.after) if question.after is not None else None
    return replace(question, wanted=wanted, after=after, count=0), values.known


class _Values:
    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def of(self, one: Wanted) -> Wanted:
        match one:
            case Ids(either) | Statuses(either):
                return replace(one, either=tuple(map(self._named, either)))
            case Tokens(either=named):
                return replace(one, either=tuple(map(self._token, named)))
            case Dates(either=spans) | Updated(either=spans):
                return replace(one, either=tuple(map(self._span, spans)))
        return one

    def place(self, after: Place) -> Place:
        """What has no value stays so: it is another question."""
        values = tuple(None if value is None else self._named(value) for value in after.values)
        return Place(values, self._named(after.id))

    def _token(self, one: Named) -> Named:
        system = None if one.system is None else self._named(one.system)
        return Named(system, None if one.value is None else self._named(one.value))

    def _span(self, one: Span) -> Span:
        return Span(one.prefix, self._named(one.start), self._named(one.end))

    def _named(self, value: Any) -> Any:
        name = f"v{len(self.known)}"
        self.known[name] = value
        return name
