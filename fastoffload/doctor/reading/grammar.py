"""Parses files by this interpreter's grammar and, if that fails, by the project's own."""

import ast
import io
import os
import pickle
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

# Runs under the project's interpreter: a path a line in; a length and a pickled tree out.
SERVER = """
import ast, pickle, sys, warnings
warnings.simplefilter("ignore")
for line in sys.stdin.buffer:
    try:
        with open(line.rstrip(b"\\n"), "rb") as file:
            answer = pickle.dumps(ast.parse(file.read()), 4)
    except Exception:
        answer = b""
    sys.stdout.buffer.write(len(answer).to_bytes(8, "big") + answer)
    sys.stdout.buffer.flush()
"""


class Grammar:
    """Parses; starts the project's interpreter when a file first needs it."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._tried = False

    def parse(self, path: Path, source: bytes) -> ast.Module | str:
        """The tree; if neither interpreter can read it, why this one cannot."""
        try:
            return ast.parse(source)
        except SyntaxError as error:
            return self._ask(path) or f"line {error.lineno}, {error.msg}"
        except (ValueError, RecursionError, MemoryError) as error:
            return self._ask(path) or str(error)

    def close(self) -> None:
        """Ends the other interpreter, if one was started."""
        if self._server is not None:
            self._server.communicate()

    def _ask(self, path: Path) -> ast.Module | None:
        server = self._started(path.parent)
        if server is None or server.stdin is None or server.stdout is None:
            return None
        try:
            server.stdin.write(os.fsencode(path.absolute()) + b"\n")
            server.stdin.flush()
            length = int.from_bytes(server.stdout.read(8), "big")
            return _load(server.stdout.read(length)) if length else None
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, TypeError):
            return None

    def _started(self, folder: Path) -> subprocess.Popen[bytes] | None:
        if not self._tried:
            self._tried = True
            python = interpreter(folder.absolute())
            if python:
                # -I -S: nothing of the project is imported.
                command = [python, "-I", "-S", "-c", SERVER]
                pipe = subprocess.PIPE
                self._server = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
                )
        return self._server


# Nodes that grammars after this interpreter's may have, with their fields in order.
NEWER = {
    "TypeAlias": ("name", "type_params", "value"),
    "TypeVar": ("name", "bound", "default_value"),
    "ParamSpec": ("name", "default_value"),
    "TypeVarTuple": ("name", "default_value"),
    "TemplateStr": ("values",),
    "Interpolation": ("value", "str", "conversion", "format_spec"),
}


class _Trees(pickle.Unpickler):
    """Loads syntax trees and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if module in ("ast", "_ast"):
            node = getattr(ast, name, None) or _newer(name)
            # A newer grammar's node may have more fields; they are the last ones.
            return lambda *fields: node(*fields[: len(node._fields)])
        if (module, name) in (("builtins", "Ellipsis"), ("builtins", "complex")):
            return {"Ellipsis": ..., "complex": complex}[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a tree")


@cache
def _newer(name: str) -> type[ast.AST]:
    return type(name, (ast.expr,), {"_fields": NEWER.get(name, ())})


def _load(data: bytes) -> ast.Module | None:
    tree = _Trees(io.BytesIO(data)).load()
    return tree if isinstance(tree, ast.Module) else None


def interpreter(folder: Path) -> str | None:
    """The project's own, then one that uv finds for its requires-python; else the newest on PATH.

    The project may be a folder of the repository: it is looked for from a file's folder upwards.
    None if there is only the one that runs this.
    """
    for around in (folder, *folder.parents):
        for name in ("bin/python", "Scripts/python.exe"):
            if (found := around / ".venv" / name).exists():
                return str(found)
        if (around / ".git").exists():
            break
    return _by_uv(folder) or _newer_on_path()


def _by_uv(folder: Path) -> str | None:
    uv = shutil.which("uv")
    if uv is None:
        return None
    command = [uv, "python", "find", "--no-python-downloads", "--project", str(folder)]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None


def _newer_on_path() -> str | None:
    newer = range(sys.version_info.minor + 10, sys.version_info.minor, -1)
    found = filter(None, (shutil.which(f"python3.{minor}") for minor in newer))
    return next(filter(_runs, found), None)


def _runs(python: str) -> bool:
    """Whether it is more than the name of one: pyenv has names of all that it ever installed."""
    return not subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode
