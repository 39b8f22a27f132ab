"""Where the templates are found."""

from pathlib import Path

from fastoffload.errors import FastoffloadError

PACKAGE = Path(__file__).parent


def templates_dir() -> Path:
    """The template's root: inside the package in a wheel, beside it in a checkout."""
    for folder in (PACKAGE / "templates", PACKAGE.parent / "templates"):
        if (folder / "copier.yml").is_file():
            return folder
    raise FastoffloadError(f"{PACKAGE} has no templates; install fastoffload again")
