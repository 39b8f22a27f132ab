"""A router whose routes stand in a class, and resolvers."""

import time

import strawberry
from fastapi import APIRouter
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
from strawberry.fastapi import GraphQLRouter

router = APIRouter(prefix="/items")
engine = create_engine("sqlite://")
make_session = sessionmaker(bind=engine)


def get_session():  # noqa: ANN201
    with make_session() as session:
        yield session


@router.get("/{item}")
async def item(item: int) -> object:
    with make_session() as session:
        return session.get(object, item)  # blocks: route


@strawberry.type
class Query:
    @strawberry.field
    def items(self) -> list[str]:
        return load_items(next(get_session()))

    @strawberry.field
    async def count(self) -> int:
        return 1

    def helper(self) -> None:
        time.sleep(1)  # near miss


def load_items(session: Session) -> list[str]:
    return session.query(str).all()  # blocks: resolver


graphql = GraphQLRouter(strawberry.Schema(Query))
router.include_router(graphql, prefix="/graphql")
