"""A project's service under measurement: generated, started in a folder of its own, asked."""
