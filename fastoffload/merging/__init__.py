"""A project that exists becomes another one: planned, merged, applied, and undone if need be."""
