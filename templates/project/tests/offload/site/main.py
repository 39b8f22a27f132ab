"""The smallest application that has the engine: the service that the engine's tests run."""

from fastapi import FastAPI

from .offload import install, observe

app = FastAPI()
install(app)
observe(app, shows_code=True)
