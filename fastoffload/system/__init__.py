"""The machine: processes and signals, uv, servers given by URL."""
