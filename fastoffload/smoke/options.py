"""What `smoke` was asked for, validated."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from fastoffload.errors import UsageError, check_writable
from fastoffload.recipes.recipe import in_templates
from fastoffload.smoke.matrix import Entry, entries, with_recipes
from fastoffload.smoke.stages.table import Stage, with_their_needs
from fastoffload.system.cpu import available_cores


@dataclass(frozen=True, slots=True)
class SmokeOptions:
    """The matrix and what to do with it. Without templates the release's own are taken."""

    entries: list[Entry]
    stages: list[Stage]
    jobs: int
    services: bool
    keep: bool
    templates: str | None
    recipes: list[str]

    @classmethod
    def of(
        cls,
        *,
        strategies: Sequence[str],
        variants: Sequence[str],
        stages: Sequence[str],
        pythons: str | None,
        jobs: int | None,
        services: bool,
        keep: bool,
        templates: str | None,
        junit: Path | None,
        recipes: Sequence[str] = (),
    ) -> Self:
        """Validated options; by default more jobs than cores, for tests wait half of their time."""
        if jobs is not None and jobs < 1:
            raise UsageError(f"--jobs {jobs} runs nothing; give 1 or more")
        if junit:
            check_writable(junit)
        return cls(
            entries(strategies, variants, _pythons(pythons)),
            with_their_needs(stages),
            jobs or available_cores() * 3 // 2,
            services,
            keep,
            templates,
            [*recipes],
        )

    def with_recipes_of(self, templates: Path) -> Self:
        """The same with the recipes that each entry is made with. Raises UsageError."""
        known = [*in_templates(templates)]
        return replace(self, entries=with_recipes(self.entries, known, self.recipes))


def _pythons(given: str | None) -> list[str]:
    versions = [version.strip() for version in (given or "").split(",") if version.strip()]
    for version in versions:
        if not re.fullmatch(r"3\.\d+", version):
            raise UsageError(f"--python takes versions such as 3.12,3.13, not '{version}'")
    return list(dict.fromkeys(versions))
