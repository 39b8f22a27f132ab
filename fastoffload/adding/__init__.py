"""`fastoffload add`: one more kind of job in a project, all of it or nothing."""
