"""What was measured, as tables, charts and a page."""
