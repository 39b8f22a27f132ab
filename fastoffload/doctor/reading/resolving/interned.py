"""Values of which there is one object each."""

from typing import Any


class Interned(type):
    """Gives the same object for equal arguments, so that comparing and hashing it costs nothing.

    What is known of an expression is looked up by values that hold values; their dataclasses say
    `eq=False`.
    """

    _made: dict[tuple[Any, ...], Any]

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> None:
        super().__init__(name, bases, body)
        cls._made = {}

    def __call__(cls, *given: Any) -> Any:  # noqa: ANN401
        """The object, made now or before."""
        try:
            return cls._made[given]
        except KeyError:
            made = super().__call__(*given)
        fields = tuple(getattr(made, name) for name in cls.__match_args__)  # type: ignore[attr-defined]
        return cls._made.setdefault(given, cls._made.setdefault(fields, made))
