"""Calls that wait, one route for each entry of the data file; beside each, what only looks like it."""

import asyncio
import http.client
import queue
import smtplib
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor, wait
from multiprocessing import Pool

import aioboto3
import aiosmtplib
import asyncpg
import boto3
import celery.result
import firebase_admin.auth
import git
import httpx
import openai
import psycopg
import redis
import redis.asyncio
import requests
import stripe
from fastapi import FastAPI, Request
from haystack import AsyncPipeline, Pipeline
from langchain_openai import ChatOpenAI
from minio import Minio
from pymongo import AsyncMongoClient, MongoClient
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

app = FastAPI()
pool = ThreadPoolExecutor()


@app.get("/sleep")
async def sleeps() -> None:
    time.sleep(1)  # blocks


@app.get("/sleep/near")
async def sleeps_not() -> None:
    await asyncio.sleep(1)  # near miss
    await asyncio.to_thread(time.sleep, 1)  # near miss


@app.get("/threads")
async def threads(done: threading.Event, worker: threading.Thread) -> None:
    worker.join()  # blocks


@app.get("/threads/event")
async def threads_event() -> None:
    done = threading.Event()
    done.wait()  # blocks


@app.get("/threads/futures")
async def futures() -> object:
    future: Future[int] = pool.submit(int, 1)
    return future.result()  # blocks


@app.get("/threads/wait")
async def futures_wait() -> None:
    wait([pool.submit(int, 1)])  # blocks


@app.get("/threads/near")
async def threads_not(done: asyncio.Event) -> None:
    await done.wait()  # near miss
    await asyncio.wait([asyncio.create_task(done.wait())])  # near miss
    ", ".join(["a", "b"])  # near miss
    queue.Queue().put_nowait(1)  # near miss
    await asyncio.wrap_future(pool.submit(time.sleep, 1))  # near miss


@app.get("/processes")
async def pooled() -> object:
    with Pool() as workers:
        return workers.map(abs, [1])  # blocks


@app.get("/celery")
async def celery_result(task: str) -> object:
    return celery.result.AsyncResult(task).get()  # blocks


@app.get("/celery/near")
async def celery_state(task: str) -> object:
    return celery.result.AsyncResult(task).id  # near miss


@app.get("/subprocess")
async def converts() -> object:
    return subprocess.run(["convert"], check=True)  # blocks


@app.get("/git")
async def checks_out() -> None:
    repository = git.Repo("data")
    repository.heads["main"].checkout()  # blocks


@app.get("/git/near")
async def names_a_branch() -> str:
    return git.Repo("data").active_branch.name  # near miss


@app.get("/subprocess/near")
async def converts_not() -> None:
    await asyncio.create_subprocess_exec("convert")  # near miss
    subprocess.Popen(["convert"])  # near miss


@app.get("/requests")
async def fetches() -> object:
    return requests.get("https://example.org", timeout=1)  # blocks


@app.get("/requests/session")
async def fetches_in_session() -> object:
    with requests.Session() as session:
        return session.post("https://example.org")  # blocks


@app.get("/requests/near")
async def fetches_not(request: Request) -> object:
    request.headers.get("x")  # near miss
    return await run_in_threadpool(requests.get, "https://example.org")  # near miss


@app.get("/httpx")
async def httpx_sync() -> object:
    return httpx.get("https://example.org")  # blocks


@app.get("/httpx/client")
async def httpx_client(client: httpx.Client) -> object:
    return client.get("https://example.org")  # blocks


@app.get("/httpx/near")
async def httpx_async() -> object:
    async with httpx.AsyncClient() as client:
        return await client.get("https://example.org")  # near miss


@app.get("/urllib")
async def urllib_opens() -> object:
    with urllib.request.urlopen("https://example.org") as answer:  # blocks
        return answer.read()


@app.get("/urllib/connection")
async def connection_asks() -> object:
    connection = http.client.HTTPSConnection("example.org")
    connection.request("GET", "/")  # blocks


@app.get("/urllib/near")
async def urllib_not() -> object:
    return urllib.request.Request("https://example.org")  # near miss


@app.get("/openai")
async def completes() -> object:
    client = openai.OpenAI()
    return client.chat.completions.create(model="m", messages=[])  # blocks


@app.get("/openai/near")
async def completes_not() -> object:
    client = openai.AsyncOpenAI()
    return await client.chat.completions.create(model="m", messages=[])  # near miss


@app.get("/langchain")
async def chains() -> object:
    return ChatOpenAI().invoke("hello")  # blocks


@app.get("/langchain/near")
async def chains_not() -> object:
    return await ChatOpenAI().ainvoke("hello")  # near miss


@app.get("/haystack")
async def asks() -> object:
    pipeline = Pipeline()
    return pipeline.run({})  # blocks


@app.get("/haystack/near")
async def asks_not() -> object:
    return await AsyncPipeline().run_async({})  # near miss


@app.get("/stripe")
async def charges() -> object:
    return stripe.checkout.Session.create(mode="payment")  # blocks


@app.get("/stripe/near")
async def charges_not(request: Request) -> object:
    return stripe.Webhook.construct_event(await request.body(), "s", "k")  # near miss


@app.get("/google")
async def verifies(token: str) -> object:
    return firebase_admin.auth.verify_id_token(token)  # blocks


@app.get("/google/near")
async def verifies_not(token: str) -> object:
    return await asyncio.to_thread(firebase_admin.auth.verify_id_token, token)  # near miss


@app.get("/boto3")
async def stores() -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="b", Key="k", Body=b"")  # blocks


@app.get("/boto3/resource")
async def stores_by_resource() -> None:
    table = boto3.resource("dynamodb").Table("t")
    table.put_item(Item={})  # blocks


@app.get("/boto3/near")
async def stores_not() -> object:
    async with aioboto3.Session().client("s3") as s3:
        await s3.put_object(Bucket="b", Key="k", Body=b"")  # near miss
    return boto3.client("s3").generate_presigned_url("get_object")  # near miss


@app.get("/storage")
async def minio_reads() -> object:
    return Minio("localhost").get_object("b", "k")  # blocks


@app.get("/storage/near")
async def minio_signs() -> object:
    return Minio("localhost").presigned_get_object("b", "k")  # near miss


@app.get("/email")
async def mails() -> None:
    with smtplib.SMTP("localhost") as server:
        server.sendmail("a", "b", "c")  # blocks


@app.get("/email/near")
async def mails_not() -> None:
    async with aiosmtplib.SMTP("localhost") as server:
        await server.sendmail("a", "b", "c")  # near miss


@app.get("/socket")
async def resolves() -> object:
    return socket.getaddrinfo("example.org", 80)  # blocks


@app.get("/socket/near")
async def resolves_not() -> object:
    return await asyncio.get_running_loop().getaddrinfo("example.org", 80)  # near miss


@app.get("/sqlalchemy")
async def queries(session: Session) -> object:
    return session.exec("select 1").all()  # blocks


@app.get("/sqlalchemy/query")
async def queries_by_query(session: Session) -> object:
    return session.query(int).filter(True).order_by(1).first()  # blocks


@app.get("/sqlalchemy/near")
async def queries_not(session: AsyncSession) -> object:
    result = await session.execute("select 1")  # near miss
    return result.scalars().all()  # near miss


@app.get("/drivers")
async def psycopg_asks() -> None:
    with psycopg.connect("") as connection, connection.cursor() as cursor:  # blocks
        cursor.execute("select 1")


@app.get("/drivers/sqlite")
async def sqlite_asks() -> object:
    return sqlite3.connect("x").execute("select 1")  # blocks


@app.get("/drivers/near")
async def asyncpg_asks() -> object:
    connection = await asyncpg.connect("")  # near miss
    return await connection.execute("select 1")  # near miss


@app.get("/stores")
async def redis_asks() -> object:
    return redis.Redis().get("k")  # blocks


@app.get("/stores/mongo")
async def mongo_asks() -> object:
    return MongoClient()["db"].users.find_one({})  # blocks


@app.get("/stores/near")
async def redis_asks_not() -> object:
    await AsyncMongoClient()["db"].users.find_one({})  # near miss
    return await redis.asyncio.Redis().get("k")  # near miss
