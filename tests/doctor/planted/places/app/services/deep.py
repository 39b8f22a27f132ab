import subprocess


def deepest() -> None:
    really_deepest()


def really_deepest() -> None:
    subprocess.check_output(["true"])  # blocks: route
