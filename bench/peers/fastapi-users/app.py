"""FastAPI Users as its documentation sets it up: SQLAlchemy, a bearer transport and JWTs (HS256).

It reads the user with each request that needs one, and it has no refresh tokens. The parameters of
Argon2id are those of Countersign.

    python app.py                creates the tables
    python -m uvicorn app:app    serves
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Response
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from fastapi_users.schemas import BaseUser, BaseUserCreate, BaseUserUpdate
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = os.environ["SECRET"]
ACCESS_TOKEN_TTL_SECONDS = 600
PRAGMAS = ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL")


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['DATABASE']}")
new_session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def configure(connection, _record) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


async def database_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


async def user_database(
    session: Annotated[AsyncSession, Depends(database_session)],
) -> AsyncIterator[SQLAlchemyUserDatabase]:
    yield SQLAlchemyUserDatabase(session, User)


argon2 = Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1)
password_helper = PasswordHelper(PasswordHash((argon2,)))


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def user_manager(
    database: Annotated[SQLAlchemyUserDatabase, Depends(user_database)],
) -> AsyncIterator[UserManager]:
    yield UserManager(database, password_helper)


backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/jwt/login"),
    get_strategy=lambda: JWTStrategy(secret=SECRET, lifetime_seconds=ACCESS_TOKEN_TTL_SECONDS),
)
users = FastAPIUsers[User, uuid.UUID](user_manager, [backend])
current_user = users.current_user(active=True)


class UserRead(BaseUser[uuid.UUID]):
    pass


class UserCreate(BaseUserCreate):
    pass


class UserUpdate(BaseUserUpdate):
    pass


app = FastAPI(docs_url=None, redoc_url=None)
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(users.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(users.get_users_router(UserRead, UserUpdate), prefix="/users")


@app.get("/ready", status_code=204, response_class=Response)
async def ready() -> None:
    pass


@app.get("/verify", status_code=204, response_class=Response, dependencies=[Depends(current_user)])
async def verify() -> None:
    pass


async def create_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


if __name__ == "__main__":
    asyncio.run(create_tables())
