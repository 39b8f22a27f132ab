"""`fastoffload bench`: the ways of doing heavy work, measured side by side on this machine."""
