"""Answers to questions that ask each other."""

from fastoffload.doctor.reading.resolving.memory import Memory


def test_what_was_noted_while_a_question_was_open_is_not_kept() -> None:
    memory = Memory()

    def names() -> tuple[str, ...]:
        return ("one", *memory.note(between))

    def between() -> tuple[str, ...]:
        return ("between", *memory.ask(names))

    assert memory.ask(names) == ("one", "between")
    assert memory.note(between) == ("between", "one", "between")


def test_what_asks_for_nothing_open_is_found_once() -> None:
    memory, found = Memory(), []

    def between() -> tuple[str, ...]:
        found.append(1)
        return ("between",)

    assert memory.note(between) == memory.note(between) == ("between",)
    assert found == [1]
