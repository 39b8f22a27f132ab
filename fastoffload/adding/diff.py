"""What would be written, as a diff that `git apply` takes."""

import difflib

from fastoffload.recipes.files import Files


def diff(files: Files) -> str:
    """The files as additions; of those that are no text only the name."""
    return "".join(_added(path, content) for path, content in files.items())


def _added(path: str, content: bytes) -> str:
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n"
    try:
        lines = content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return f"{head}Binary files /dev/null and b/{path} differ\n"
    return head + "".join(difflib.unified_diff([], lines, "/dev/null", f"b/{path}"))
