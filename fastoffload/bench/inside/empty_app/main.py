"""The smallest application that has the engine."""

from fastapi import FastAPI

from .offload import install, observe

app = FastAPI()
install(app)
observe(app)
