"""From the template to files."""

from pathlib import Path

from fastoffload.options import Choice, NewOptions
from fastoffload.releases import templates_dir


def render(folder: Path, options: NewOptions, choice: Choice) -> list[str]:
    """Writes the project into an empty folder; returns the paths of its files, sorted."""
    from copier import Settings, run_copy

    run_copy(
        str(templates_dir()),
        folder,
        data=_answers(options, choice),
        # Not those in the user's home: the same call gives the same files on every machine.
        settings=Settings(),
        defaults=True,
        quiet=True,
    )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        _make_ordinary(path)
    return [path.relative_to(folder).as_posix() for path in files]


def _answers(options: NewOptions, choice: Choice) -> dict[str, str]:
    answers = {
        "project_name": options.name,
        "description": options.description,
        **choice.answers,
    }
    return {key: value for key, value in answers.items() if value is not None}


def _make_ordinary(path: Path) -> None:
    """Copier hands on the template's mode bits, and an installed template may be read-only."""
    path.chmod(path.stat().st_mode | 0o600)
