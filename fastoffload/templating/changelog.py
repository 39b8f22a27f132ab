"""What a user of each release has to know: the changelog of the templates."""

import re

from fastoffload.templating import releases

CHANGELOG = "CHANGELOG.md"
HEADING = re.compile(r"^## +(\S+).*$", re.MULTILINE)


def notes(versions: list[str]) -> dict[str, str]:
    """The notes by version, for those that have any."""
    if not versions:
        return {}
    with releases.templates(versions[-1]) as templates:
        file = templates / CHANGELOG
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    _, *parts = HEADING.split(text)
    found = {version: note.strip() for version, note in zip(parts[::2], parts[1::2], strict=True)}
    return {version: found[version] for version in versions if found.get(version)}
