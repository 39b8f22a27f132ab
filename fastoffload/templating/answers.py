"""The answers file of a generated project: what it was made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.catalog import Choice
from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.templating import names

ANSWERS_FILE = ".copier-answers.yml"
PACKAGE = "package"
SOURCE = "git+fastoffload::templates"


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers that a project was rendered with, and the release of the templates."""

    release: str
    name: str
    description: str
    choice: Choice
    package: str | None = None
    """Of an application that has the engine by `init`: the folder of its package."""

    @classmethod
    def read(cls, project: Path) -> Self:
        """Raises FastoffloadError when the file is missing or makes no sense."""
        path = project / ANSWERS_FILE
        given = _load(path)
        try:
            if given.get("_src_path") != SOURCE:
                raise ValueError(f"_src_path is not {SOURCE}")
            release, name, description, strategy = (
                _text(given, key) for key in ("_commit", "project_name", "description", "strategy")
            )
            if not names.is_valid(name):
                raise ValueError(f"project_name {name!r} is no valid name")
            package = _text(given, PACKAGE) if PACKAGE in given else None
            options = {"pool", "broker"} & given.keys()
            choice = Choice.of(strategy, {key: _text(given, key) for key in options})
        except (ValueError, UsageError) as error:
            raise FastoffloadError(
                f"{path} makes no sense: {error}; restore it from git, nobody need edit it"
            ) from error
        return cls(release, name, description, choice, package)

    def data(self, choice: Choice) -> dict[str, str]:
        """What the template is rendered with when the choice is this."""
        return {"project_name": self.name, "description": self.description, **choice.answers}


def describe(choice: Choice) -> str:
    """A strategy and its variant in words: `executor (process pool)`."""
    strategy, variant = choice.strategy, choice.variant
    return f"{strategy.name} ({variant.name} {strategy.option})" if variant else strategy.name


def _load(path: Path) -> dict[str, object]:
    import yaml

    try:
        given = yaml.safe_load(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FastoffloadError(
            f"{path} is missing; give the folder of a project that fastoffload generated"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise FastoffloadError(f"{path} is no YAML: {reason}; restore it from git") from error
    if not isinstance(given, dict):
        raise FastoffloadError(f"{path} holds no answers; restore it from git")
    return given


def _text(given: dict[str, object], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is {'missing' if value is None else 'no text'}")
    return value
