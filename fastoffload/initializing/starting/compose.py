"""The service of a queue's worker in an application's compose file: its API's, with a command.

It is put in as text, so that nothing of the file is written anew, and only where reading the
outcome shows that this service came and nothing else changed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fastoffload.file_changes import Change
from fastoffload.initializing.edits import Insertion, apply
from fastoffload.initializing.found import Found
from fastoffload.initializing.starting.compose_text import (
    UnfitError,
    layout,
    mapping,
    plain,
    services,
    texts,
)
from fastoffload.initializing.starting.started import runner_of

if TYPE_CHECKING:
    import yaml

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
WORKERS = ("worker", "offload-worker")
# What code needs to run as it does in the API, and what is the API's alone.
COPIED = ["<<", "image", "build", "platform", "init", "user", "working_dir", "env_file"]
COPIED += ["environment", "secrets", "configs", "volumes", "networks", "extra_hosts", "depends_on"]
COPIED += ["restart", "stop_grace_period", "logging", "ulimits", "read_only", "tmpfs", "profiles"]
COPIED += ["cap_drop", "security_opt", "pull_policy"]
LEFT = {"command", "ports", "expose", "healthcheck", "container_name", "hostname", "labels"}
LEFT |= {"tty", "stdin_open"}


def with_worker(source: bytes, command: str, found: Found) -> Change | str:
    """The compose file with one service more; or why that is left to the user."""
    try:
        return Change(source, _with_worker(source.decode(), command, found))
    except (UnfitError, UnicodeDecodeError) as error:
        return str(error)


def only_services_went(before: bytes, after: bytes) -> bool:
    """Whether a step back took whole services out, and changed none that stays."""
    try:
        present, left = (dict(texts(one.decode())) for one in (before, after))
    except (UnfitError, UnicodeDecodeError):
        return False
    return all(present.get(name) == text for name, text in left.items())


def _with_worker(source: str, command: str, found: Found) -> bytes:
    there = services(source)
    name, runner = _api(there, found)
    free = [one for one in WORKERS if one not in there]
    if not free:
        raise UnfitError("it has such a service")
    _check(name, there[name])
    place = layout(source, name, COPIED)
    first = place.copied[0]
    inner = first[: len(first) - len(first.lstrip())]
    head = f"{' ' * place.column}{free[0]}:"
    lines = [head, *place.copied, f"{inner}command: {runner}{command}"]
    text = "\n" * place.is_spaced + "".join(f"{line}\n" for line in lines)
    made = apply(source.encode(), [Insertion(place.end, text)])
    _check_made(source, made.decode(), name, free[0])
    return made


def _api(there: "dict[str, yaml.Node]", found: Found) -> tuple[str, str]:
    """The one service that starts the application, and what stands before the server's name."""
    seen = {}
    for name, service in there.items():
        for command in _commands(service, found.root):
            if (runner := runner_of(command, found)) is not None:
                seen[name] = runner
    if len(seen) != 1:
        number = "several of its services are" if seen else "none of its services is"
        raise UnfitError(f"{number} seen to start the application")
    return seen.popitem()


def _commands(service: "yaml.Node", root: Path) -> Iterator[str]:
    """Its command, or else that of the image which is built for it."""
    keys = mapping(service)
    if "command" in keys:
        yield " ".join(plain(keys["command"]))
    elif "build" in keys:
        yield from _of_image(keys["build"], root)


def _of_image(build: "yaml.Node", root: Path) -> Iterator[str]:
    """The CMD of its Dockerfile; with an ENTRYPOINT, nobody knows what a command would be to it."""
    options = mapping(build)
    context, name, target = (
        " ".join(plain(options[key])) if key in options else default
        for key, default in (("context", "."), ("dockerfile", "Dockerfile"), ("target", ""))
    )
    folder = root / (context if options else " ".join(plain(build)))
    file = folder / name
    if target or not file.is_file():
        return
    lines = file.read_text(errors="replace").replace("\\\n", " ").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line.strip()]
    if any(one[0].upper() == "ENTRYPOINT" for one in words):
        return
    for one in [one for one in words if one[0].upper() == "CMD" and len(one) > 1][-1:]:
        yield _cmd(one[1])


def _cmd(text: str) -> str:
    """A list in JSON, or else a line for a shell."""
    try:
        return " ".join(json.loads(text))
    except (TypeError, ValueError):
        return text


def _check(name: str, service: "yaml.Node") -> None:
    """Raises UnfitError for a service which a worker cannot be like."""
    odd = sorted(mapping(service).keys() - LEFT - {*COPIED})
    if odd:
        raise UnfitError(f"its service {name} has `{odd[0]}`: whether a worker wants it, you know")
    networks = mapping(service).get("networks")
    if networks and any(mapping(one) for one in mapping(networks).values()):
        raise UnfitError(f"its service {name} has an address of its own in a network")
    inherited = sorted(mapping(service, merged=True).keys() & LEFT - mapping(service).keys())
    if inherited:
        raise UnfitError(
            f"its service {name} takes `{inherited[0]}` from elsewhere, as a worker would"
        )


def _check_made(before: str, after: str, api: str, worker: str) -> None:
    present, made = dict(texts(before)), dict(texts(after))
    theirs, ours = (
        mapping(services(text)[name]) for text, name in ((before, api), (after, worker))
    )
    wanted = {key: plain(value) for key, value in theirs.items() if key not in LEFT}
    got = {key: plain(value) for key, value in ours.items() if key != "command"}
    if made != present | {f"services.{worker}": made[f"services.{worker}"]} or got != wanted:
        raise UnfitError("it is not written in a way that can be added to as text")
