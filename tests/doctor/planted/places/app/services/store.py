import abc
import time

import boto3
import requests

__all__ = ["AsyncStore", "Box", "Storage", "make_storage", "store"]


class Storage(abc.ABC):
    @abc.abstractmethod
    def load(self, key: str) -> bytes: ...


class Disk(Storage):
    def __init__(self) -> None:
        self.client = boto3.client("s3")

    def load(self, key: str) -> bytes:
        return self.client.get_object(Bucket="b", Key=key)  # blocks: route


class Base:
    session = requests.Session()

    def fetch(self, key: str) -> bytes:
        return self.session.get(key).content  # blocks: route


class Store(Base):
    def read(self, key: str) -> bytes:
        return super().fetch(key)

    def never_called(self) -> None:
        time.sleep(1)  # near miss


class Overridden(Base):
    def fetch(self, key: str) -> bytes:
        time.sleep(1)  # near miss
        return b""


class AsyncStore:
    async def load(self, key: str) -> bytes:
        return b""


class Box:
    @property
    def content(self) -> str:
        return requests.get("https://example.org", timeout=1).text  # blocks: route


def make_storage(kind: str) -> Storage:
    if kind == "disk":
        return Disk()
    raise ValueError(kind)


store = Store()
