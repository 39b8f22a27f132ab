"""HTTP: every kind of job has the same routes, typed by what it takes and gives."""
