"""The page, for any kind of job."""
