"""The command that runs one job of a kind, on this machine."""

import shlex

from fastoffload.recipes.files import renamed
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import Recipe

API = "http://127.0.0.1:8000"
URL = "{url}"  # in a recipe's arguments: where the jobs of the kind are served


def curl_line(recipe: Recipe, name: str, place: Place, route: str) -> str:
    """For a kind of that name, whose jobs are served at that route."""
    url = f"{API}{route}"
    arguments = [renamed(one, name, place).replace(URL, url) for one in recipe.curl]
    return shlex.join(["curl", *arguments, url])
