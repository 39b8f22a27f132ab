"""Prints the URL of an empty database, which lasts until the standard input ends.

It is an SQLite file in the folder given, or a database on the server of DATABASE_URL.
"""

import sys
from pathlib import Path

from offload.databases import private_database  # of the project's tests

with private_database(Path(sys.argv[1])) as url:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    sys.stdin.read()
