"""Finds by reading, without running a line of the application, what blocks its event loop.

`read.read(root)` is the face. Below it: entries (what runs on the loop), paths (from an entry to
what blocks), steps (what one function does), sources and grammar (files and their trees), and
resolving (what an expression is).
"""
