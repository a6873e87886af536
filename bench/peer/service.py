"""The peer: image features as a Python service is usually built, with FastAPI, Redis and cv2.

The same request and the same default response as ours. What favours it is on purpose: only the summary is cached, not
the features, nothing is validated beyond what cv2 does, and it runs on uvloop and httptools where they are installed.
"""

import hashlib
import json
import os
import time

import cv2
import numpy
import redis.asyncio
from fastapi import FastAPI, File, HTTPException, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

TTL_SECONDS = 3600

app = FastAPI()
cache = redis.asyncio.from_url(os.environ["REDIS_URL"])


class Features(BaseModel):
    success: bool
    keypoints: int
    descriptors_shape: list[int]
    cached: bool
    processing_time_ms: float


def extract(data: bytes) -> dict:
    image = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise HTTPException(400, "not an image")
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    keypoints, descriptors = cv2.SIFT_create().detectAndCompute(grey, None)
    shape = [0, 128] if descriptors is None else list(descriptors.shape)
    return {"keypoints": len(keypoints), "descriptors_shape": shape}


@app.post("/api/v1/features/detect", response_model=Features)
async def detect(response: Response, image: UploadFile = File(...)):
    started = time.perf_counter()
    data = await image.read()
    key = "sift:" + hashlib.sha256(data).hexdigest()
    record = await cache.get(key)
    if record is None:
        features = await run_in_threadpool(extract, data)
        await cache.set(key, json.dumps(features), ex=TTL_SECONDS)
    else:
        features = json.loads(record)
    response.headers["X-Cache"] = "MISS" if record is None else "HIT redis"
    elapsed = (time.perf_counter() - started) * 1000
    return Features(success=True, cached=record is not None, processing_time_ms=elapsed, **features)


@app.get("/health")
async def health():
    return {"status": "ok"}
