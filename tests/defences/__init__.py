"""The defences of generated projects, how each is taken out, and the test that must notice."""

from defences import requests, rows, running
from defences.mutation import Edit, Mutation

__all__ = ["MUTATIONS", "Edit", "Mutation"]

MUTATIONS = [*rows.MUTATIONS, *requests.MUTATIONS, *running.MUTATIONS]
