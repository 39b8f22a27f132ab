"""Calls that compute, one route for each entry of the data file; beside each, what is near it."""

import asyncio
import difflib
import hashlib
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import aiofiles
import bcrypt
import moviepy.editor as mp
import numpy as np
import openpyxl
import pandas as pd
import torch
from fastapi import FastAPI, UploadFile
from passlib.context import CryptContext
from PIL import Image
from reportlab.pdfgen import canvas
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LinearRegression
from transformers import pipeline
from weasyprint import HTML

app = FastAPI()
processes = ProcessPoolExecutor()
passwords = CryptContext(schemes=["bcrypt"])
classify = pipeline("text-classification")
ROUNDS = 10_000_000


@app.get("/busy-wait")
async def waits_busily() -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:  # blocks
        pass


@app.get("/busy-wait/near")
async def waits_idly() -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:  # near miss
        await asyncio.sleep(0.1)


@app.get("/busy-wait/thread")
async def waits_busily_on_its_own_clock() -> None:
    end = time.thread_time_ns() + 5_000_000_000
    while time.thread_time_ns() < end:  # blocks
        pass


@app.get("/busy-wait/thread/near")
async def asks_its_own_clock_once() -> None:
    end = time.thread_time_ns()
    while end:  # near miss
        end = 0


@app.get("/loop")
async def counts() -> int:
    return sum(i * i for i in range(ROUNDS))  # blocks


@app.get("/loop/nested")
async def counts_nested() -> int:
    total = 0
    for i in range(2_000):  # blocks
        for j in range(1_000):
            total += i * j
    return total


@app.get("/loop/near")
async def counts_not(values: list[int]) -> int:
    total = 0
    for i in range(100):  # near miss
        total += i
    for i in range(ROUNDS):  # near miss
        await asyncio.sleep(0)
    for value in values:  # near miss
        total += value
    return total


@app.post("/passwords")
async def hashes(password: str) -> str:
    return passwords.hash(password)  # blocks


@app.post("/passwords/bcrypt")
async def checks(password: bytes) -> bool:
    return bcrypt.checkpw(password, b"")  # blocks


@app.post("/passwords/near")
async def hashes_not(password: str) -> str:
    hashlib.sha256(password.encode()).hexdigest()  # near miss
    return await asyncio.to_thread(passwords.hash, password)  # near miss


@app.post("/image")
async def shrinks(upload: UploadFile) -> bytes:
    image = Image.open(upload.file)
    small = image.convert("RGB").resize((64, 64))  # blocks
    return small.tobytes()


@app.post("/image/near")
async def shrinks_not(upload: UploadFile) -> object:
    return Image.open(upload.file).size  # near miss


@app.post("/pdf")
async def renders() -> bytes:
    return HTML(string="<p>").write_pdf()  # blocks


@app.post("/pdf/canvas")
async def draws() -> bytes:
    buffer = BytesIO()
    page = canvas.Canvas(buffer)
    page.drawString(1, 1, "x")
    page.save()  # blocks
    return buffer.getvalue()


@app.post("/pdf/near")
async def renders_not() -> bytes:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(processes, HTML(string="<p>").write_pdf)  # near miss


@app.post("/video")
async def cuts() -> None:
    clip = mp.VideoFileClip("in.mp4").subclip(0, 5)
    clip.write_videofile("out.mp4")  # blocks


@app.post("/video/near")
async def cuts_not() -> float:
    return mp.VideoFileClip("in.mp4").duration  # near miss


@app.post("/table")
async def tabulates(upload: UploadFile) -> object:
    frame = pd.read_csv(upload.file)  # blocks
    return frame.describe().to_dict()


@app.post("/table/near")
async def tabulates_not(upload: UploadFile) -> object:
    np.array([1, 2, 3]).mean()  # near miss
    return await asyncio.to_thread(pd.read_csv, upload.file)  # near miss


@app.post("/spreadsheets")
async def exports() -> None:
    book = openpyxl.Workbook()
    book.save("x.xlsx")  # blocks


@app.post("/spreadsheets/near")
async def exports_not() -> object:
    return openpyxl.Workbook().active  # near miss


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


net = Net()


@app.post("/torch")
async def infers(x: float) -> object:
    return net(torch.tensor([x]))  # blocks


@app.post("/torch/near")
async def infers_not(x: float) -> object:
    return await asyncio.to_thread(net, torch.tensor([x]))  # near miss


@app.post("/transformers")
async def classifies(text: str) -> object:
    return classify(text)  # blocks


@app.post("/transformers/encode")
async def encodes(text: str) -> object:
    model = SentenceTransformer("all-MiniLM-L6-v2")  # blocks
    return model.encode(text)


@app.post("/transformers/near")
async def classifies_not(text: str) -> object:
    return await asyncio.to_thread(classify, text)  # near miss


@app.post("/sklearn")
async def predicts() -> object:
    model = LinearRegression()
    return model.fit([[1]], [1]).predict([[2]])  # blocks


@app.post("/sklearn/near")
async def predicts_not() -> object:
    return LinearRegression().get_params()  # near miss


@app.get("/archives")
async def packs() -> None:
    with zipfile.ZipFile("x.zip", "w") as archive:
        archive.write("a")  # blocks


@app.get("/archives/near")
async def packs_not() -> object:
    return zipfile.ZipFile("x.zip").namelist()  # near miss


@app.get("/parsers")
async def matches(word: str) -> object:
    return list(difflib.unified_diff([word], ["a"]))  # blocks


@app.get("/parsers/near")
async def matches_not(word: str) -> object:
    return word in ["a"]  # near miss


@app.get("/files")
async def reads() -> str:
    return Path("x").read_text()  # blocks: files


@app.get("/files/near")
async def reads_not() -> str:
    async with aiofiles.open("x") as file:  # near miss
        return await file.read()  # near miss
