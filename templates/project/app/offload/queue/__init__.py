"""The life of a job: its row is queued, claimed under a lease, and ended once."""
