"""Callbacks: a signed POST tells whoever asked for a job that it has ended."""
