"""How many mutants of a module of the engine the tests of a generated project let live.

    uv run --with mutmut==3.8.1 python benchmarks/mutants.py PROJECT MODULE [--sample N] TEST ...

PROJECT is an installed project (`fastoffload new`, or `fastoffload smoke --keep --stage install`),
MODULE and the TESTs are paths in it. Each mutant is written into a copy, and the tests run until
the first fails. Printed are those that live: with what makes no difference, the holes.

The operators are mutmut's. Its own runner mutates functions alone, and here the statements stand at
the level of the module; so they are applied to all of it, and their clauses are dropped, too. Left
out is what fails wherever it is met: texts, None in place of an argument, an argument of execute().
"""

import argparse
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
from mutmut.mutation.file_mutation import Mutation, MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

SEED = 7
LIMIT_SECONDS = 180
CLAUSES = {"where", "order_by", "limit", "with_for_update"}
FAIL_AT_ONCE = {"execute", "bindparam", "select"}
PYTEST = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "--tb=line")


def drop_an_element(node: cst.Dict | cst.Tuple) -> Iterator[cst.CSTNode]:
    """A condition, or a column that is written."""
    if len(node.elements) > 1:
        for at in range(len(node.elements)):
            yield node.with_changes(elements=[*node.elements[:at], *node.elements[at + 1 :]])


def drop_the_clause(node: cst.Call) -> Iterator[cst.CSTNode]:
    """As if the statement had none."""
    if isinstance(node.func, cst.Attribute) and node.func.attr.value in CLAUSES:
        yield node.func.value


OPERATORS = [
    *mutation_operators,
    (cst.Dict, drop_an_element),
    (cst.Tuple, drop_an_element),
    (cst.Call, drop_the_clause),
]


def mutants_of(source: str) -> list[str]:
    """The module, each time with one thing changed."""
    wrapper = cst.MetadataWrapper(cst.parse_module(source))
    visitor = MutationVisitor(OPERATORS, IgnoredCode(set(), set(), set()))
    module = wrapper.visit(visitor)
    logged = {id(node) for call in calls_of_the_log(module) for node in walk(call)}
    found = {}
    for each in visitor.mutations:
        if id(each.original_node) in logged or fails_at_once(each):
            continue
        found[module.deep_replace(each.original_node, each.mutated_node).code] = None
    return [code for code in found if code != source and is_valid(code)]


def fails_at_once(mutation: Mutation) -> bool:
    """Whether it says nothing of the tests that something fails with it."""
    old, new = mutation.original_node, mutation.mutated_node
    if isinstance(old, cst.Dict | cst.Tuple):
        return mutation.contained_by_top_level_function is not None
    if not isinstance(old, cst.Call) or not isinstance(new, cst.Call):
        return isinstance(old, cst.SimpleString | cst.Assign | cst.AnnAssign | cst.Lambda)
    changed = [each.value for each in new.args if each not in old.args]
    if any(isinstance(value, cst.Name) and value.value == "None" for value in changed):
        return True
    name = old.func.attr if isinstance(old.func, cst.Attribute) else old.func
    return isinstance(name, cst.Name) and name.value in FAIL_AT_ONCE


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node, and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def calls_of_the_log(module: cst.Module) -> Iterator[cst.CSTNode]:
    """`log.info(...)` and the like."""
    for node in walk(module):
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            of = node.func.value
            if isinstance(of, cst.Name) and of.value == "log":
                yield node


def is_valid(code: str) -> bool:
    """Whether it is Python."""
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def outcome(python: Path, project: Path, tests: list[str]) -> str:
    """What becomes of the mutant that is in the project."""
    command = [python, "-m", "pytest", *PYTEST, f"--basetemp={project.parent / 't'}", *tests]
    try:
        ended = subprocess.run(
            command,
            cwd=project,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    return "killed" if ended.returncode else "lives"


def try_all(given: argparse.Namespace, project: Path) -> None:
    """Print those that live, and how many each outcome has."""
    python = given.project.absolute() / ".venv" / "bin" / "python"
    if outcome(python, project, given.tests) != "lives":
        sys.exit("the tests fail with nothing changed")
    path = project / given.module
    source = path.read_text()
    mutants = mutants_of(source)
    chosen = random.Random(SEED).sample(mutants, given.sample) if given.sample else mutants
    say(f"{given.module}: {len(mutants)} mutants, {len(chosen)} tried (seed {SEED})")
    counted = Counter[str]()
    for code in chosen:
        path.write_text(code)
        counted[found := outcome(python, project, given.tests)] += 1
        if found == "lives":
            say(*list(difflib.unified_diff(source.splitlines(), code.splitlines(), n=0))[2:])
    say(", ".join(f"{number} {what}" for what, number in counted.items()))


def say(*lines: str) -> None:
    """Lines on stdout, at once."""
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in lines)
    sys.stdout.flush()


def main() -> None:
    """Try what the command line says."""
    asked = argparse.ArgumentParser(usage=__doc__)
    asked.add_argument("project", type=Path)
    asked.add_argument("module")
    asked.add_argument("tests", nargs="+")
    asked.add_argument("--sample", type=int)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(given.project, project, ignore=shutil.ignore_patterns(".venv"))
        try_all(given, project)


if __name__ == "__main__":
    main()
