"""`fastoffload smoke`: every variant generated, installed, checked, started, and stopped again."""
