"""Remembers answers to questions that ask each other, in loops as well."""

import math
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, TypeVarTuple

Answer = TypeVar("Answer", bound=tuple[Any, ...])
Noted = TypeVar("Noted")
Asked = TypeVarTuple("Asked")
# A chain of questions; deeper ones are given up, before Python's own limit.
DEEPEST = 80


class Memory:
    """Each question is answered once; one that asks for itself gets the empty answer.

    What such a cut made incomplete is kept only until the question is answered that was cut: names
    of modules that import each other would else be lost for whoever asks next.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}
        self._drafts: dict[Hashable, Any] = {}
        self._open: dict[Hashable, int] = {}
        self._cut_at: float = math.inf
        """The outermost open question that was asked again, by its depth."""

    def ask(self, find: Callable[[*Asked], Answer], *asked: *Asked) -> Answer:
        """What `find` answers to what is asked, found now or before."""
        question = (find, *asked)
        try:
            return self._known[question]  # type: ignore[no-any-return]
        except KeyError:
            pass
        if question in self._drafts:
            return self._drafts[question]  # type: ignore[no-any-return]
        depth = len(self._open)
        if question in self._open or depth > DEEPEST:
            self._cut_at = min(self._cut_at, self._open.get(question, 0))
            return ()  # type: ignore[return-value]
        return self._find(question, depth, find, *asked)

    def note(self, find: Callable[[*Asked], Noted], *asked: *Asked) -> Noted:
        """The same for what lies between two questions, and never asks for itself.

        It is kept only if nothing that was cut is in it.
        """
        question = (find, *asked)
        try:
            return self._known[question]  # type: ignore[no-any-return]
        except KeyError:
            answer = find(*asked)
        if not self._drafts and self._cut_at == math.inf:
            self._known[question] = answer
        return answer

    def _find(
        self, question: Hashable, depth: int, find: Callable[[*Asked], Answer], *asked: *Asked
    ) -> Answer:
        before, self._cut_at = self._cut_at, math.inf
        self._open[question] = depth
        try:
            answer = find(*asked)
        finally:
            del self._open[question]
        if self._cut_at >= depth:
            self._known[question] = answer
            self._cut_at = before
        else:
            self._drafts[question] = answer
            self._cut_at = min(before, self._cut_at)
        if not depth:
            self._drafts.clear()
        return answer
