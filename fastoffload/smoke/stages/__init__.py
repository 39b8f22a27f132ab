"""The stages, each a coroutine that takes a project and raises when it does not pass."""
