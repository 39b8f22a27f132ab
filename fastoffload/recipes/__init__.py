"""Recipes: what each is, and the files that one becomes under the name of a kind of job."""
