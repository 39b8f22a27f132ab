"""Remembers answers to questions that ask each other, in loops as well."""

import math
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
# A chain of questions; deeper ones are given up, before Python's own limit.
DEEPEST = 80


class Memory(Generic[Answer]):
    """Each question is answered once; one that asks for itself gets the empty answer.

    What such a cut made incomplete is kept only until the question is answered that was cut: names
    of modules that import each other would else be lost for whoever asks next.
    """

    def __init__(self, empty: Answer) -> None:
        self._empty = empty
        self._known: dict[Hashable, Answer] = {}
        self._drafts: dict[Hashable, Answer] = {}
        self._open: dict[Hashable, int] = {}
        self._cut_at: float = math.inf
        """The outermost open question that was asked again, by its depth."""

    def ask(self, question: Hashable, find: Callable[[], Answer]) -> Answer:
        """The answer, found now or before."""
        if question in self._known:
            return self._known[question]
        if question in self._drafts:
            return self._drafts[question]
        depth = len(self._open)
        if question in self._open or depth > DEEPEST:
            self._cut_at = min(self._cut_at, self._open.get(question, 0))
            return self._empty
        return self._find(question, find, depth)

    def _find(self, question: Hashable, find: Callable[[], Answer], depth: int) -> Answer:
        before, self._cut_at = self._cut_at, math.inf
        self._open[question] = depth
        try:
            answer = find()
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
