"""The commands: one file each, with its options, its call and its view."""
