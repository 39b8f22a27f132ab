"""Jobs that do nothing."""
