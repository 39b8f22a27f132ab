"""What a project requires, and its own package manager."""
