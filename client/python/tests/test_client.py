from __future__ import annotations

import hashlib
import io
import json
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import edgesift
from edgesift import BatchItem, Client, RetryPolicy
from edgesift.errors import ERRORS_BY_CODE, EdgesiftError, read_retry_after
from edgesift.retry import retry_delay

from .fake_service import FakeService, Received, Reply, problem
from .payload import arrays_of, file_of

IMAGE = b"the bytes of an image"
HASH = hashlib.sha256(IMAGE).hexdigest()
NOT_CACHED = problem("FEATURES_NOT_CACHED", 404)
QUICK = RetryPolicy(retries=2, base_delay=0.001, max_delay=1)


class WithService(unittest.TestCase):
    def serve(self, respond: Callable[[Received], Reply], **options: Any) -> tuple[FakeService, Client]:
        service = FakeService(respond)
        self.addCleanup(service.close)
        client = Client(service.url, retry=options.pop("retry", QUICK), **options)
        self.addCleanup(client.close)
        return service, client

    def serve_in_turn(self, *replies: Reply, **options: Any) -> tuple[FakeService, Client]:
        rest = list(replies)
        return self.serve(lambda _: rest.pop(0), **options)


def sends_only_what_is_new(received: Received) -> Reply:
    return NOT_CACHED if received.method == "GET" else Reply(body={"keypoints": 7, "cached": False})


class HashFirst(WithService):
    def test_an_image_that_is_cached_is_not_sent(self) -> None:
        service, client = self.serve_in_turn(Reply(body={"keypoints": 7, "cached": True}))
        self.assertEqual(client.detect(IMAGE, nfeatures=5, denoise=True, sigma=None)["keypoints"], 7)
        self.assertEqual(service.requests, [f"GET /api/v1/features/{HASH}"])
        self.assertEqual(service.received[0].query, "nfeatures=5&denoise=true&format=json")

    def test_an_image_that_is_new_is_sent_over_the_same_connection(self) -> None:
        service, client = self.serve(sends_only_what_is_new)
        client.detect(IMAGE)
        self.assertEqual(service.requests, [f"GET /api/v1/features/{HASH}", "POST /api/v1/features/detect"])
        self.assertEqual(service.received[1].body, IMAGE)
        self.assertTrue(service.received[1].headers["content-type"].startswith("image/"))
        self.assertEqual(service.connections, 1)

    def test_hash_first_can_be_left_out(self) -> None:
        service, client = self.serve(sends_only_what_is_new)
        client.detect(IMAGE, hash_first=False)
        self.assertEqual(service.requests, ["POST /api/v1/features/detect"])

    def test_a_hash_stands_for_an_image_and_is_never_followed_by_an_upload(self) -> None:
        service, client = self.serve(sends_only_what_is_new)
        with self.assertRaises(edgesift.FeaturesNotCached):
            client.detect(HASH.upper())
        self.assertEqual(service.requests, [f"GET /api/v1/features/{HASH}"])

    def test_images_come_as_paths_bytes_and_files(self) -> None:
        service, client = self.serve(sends_only_what_is_new)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg"
            path.write_bytes(IMAGE)
            for image in (path, str(path), bytearray(IMAGE), memoryview(IMAGE), io.BytesIO(IMAGE)):
                client.detect(image)
        self.assertEqual([sent.body for sent in service.received if sent.method == "POST"], [IMAGE] * 5)
        with self.assertRaises(TypeError):
            client.detect(7)  # type: ignore[arg-type]
        with self.assertRaises(FileNotFoundError):
            client.detect("no-such-file.jpg")

    def test_features_are_arrays_over_the_response(self) -> None:
        file = file_of(arrays_of())
        service, client = self.serve_in_turn(Reply(body=file))
        features = client.features(IMAGE, root_sift=False)
        self.assertEqual(bytes(features.file), file)
        self.assertTrue(features.xy.flags.writeable)
        self.assertEqual(service.received[0].query, "root_sift=false&format=safetensors")

    def test_a_file_says_whether_it_was_cached(self) -> None:
        _, client = self.serve_in_turn(Reply(body=b"3 128", headers={"X-Cache": "HIT redis"}))
        file = client.file(IMAGE, "colmap")
        self.assertEqual((bytes(file.data), file.is_cached), (b"3 128", True))


class Retries(WithService):
    def test_passing_failures_are_retried(self) -> None:
        seen: list[edgesift.Retry] = []
        overloaded = problem("OVERLOADED", 503)
        proxy = Reply(502, b"<html>")
        service, client = self.serve_in_turn(overloaded, proxy, Reply(body={}), on_retry=seen.append)
        client.stats()
        self.assertEqual([(retry.attempt, retry.error.status) for retry in seen], [(1, 503), (2, 502)])
        self.assertEqual(len(service.received), 3)

    def test_attempts_end(self) -> None:
        service, client = self.serve(lambda _: problem("OVERLOADED", 503))
        with self.assertRaises(edgesift.Overloaded):
            client.stats()
        self.assertEqual(len(service.received), 3)

    def test_lasting_failures_are_not_retried(self) -> None:
        service, client = self.serve(lambda _: problem("INVALID_PARAMETER", 400, details={"parameter": "sigma"}))
        with self.assertRaises(edgesift.InvalidParameter) as raised:
            client.stats()
        self.assertEqual(raised.exception.details, {"parameter": "sigma"})
        self.assertEqual(len(service.received), 1)

    def test_retry_after_is_obeyed(self) -> None:
        limited = problem("RATE_LIMITED", 429, Retry_After="1")
        _, client = self.serve_in_turn(limited, Reply(body={}))
        with mock.patch("edgesift.transport.time.sleep") as sleep:
            client.stats()
        delay = sleep.call_args.args[0]
        self.assertTrue(1 <= delay <= 1.1, delay)

    def test_a_longer_retry_after_than_the_longest_delay_ends_the_attempts(self) -> None:
        service, client = self.serve(lambda _: problem("RATE_LIMITED", 429, Retry_After="42"))
        with self.assertRaises(edgesift.RateLimited) as raised:
            client.stats()
        self.assertEqual(raised.exception.retry_after, 42)
        self.assertEqual(len(service.received), 1)

    def test_a_body_that_breaks_off_is_retried(self) -> None:
        service, client = self.serve_in_turn(Reply(body={"a": "b" * 99}, is_cut=True), Reply(body={"whole": 1}))
        self.assertEqual(client.stats(), {"whole": 1})
        self.assertEqual(len(service.received), 2)

    def test_a_connection_that_the_service_closed_in_the_meantime_is_no_failure(self) -> None:
        seen: list[edgesift.Retry] = []
        service, client = self.serve(lambda _: Reply(body={}), on_retry=seen.append)
        client.stats()
        for connection in client._transport._pool._idle:
            connection.sock.shutdown(2)
        client.stats()
        self.assertEqual((len(service.received), service.connections, seen), (2, 2, []))

    def test_a_job_is_created_again_only_where_it_was_refused(self) -> None:
        service, client = self.serve_in_turn(problem("OVERLOADED", 503), problem("SERVICE_TIMEOUT", 504))
        with self.assertRaises(edgesift.ServiceTimeout):
            client.jobs.create({"output": "/x"})
        self.assertEqual(len(service.received), 2)

    def test_delays_grow_with_full_jitter(self) -> None:
        policy = RetryPolicy(retries=9, base_delay=0.5, max_delay=3)
        error = edgesift.Overloaded("x", status=503)
        self.assertEqual([retry_delay(error, n, policy, lambda: 0.5) for n in range(4)], [0.25, 0.5, 1, 1.5])
        self.assertEqual(retry_delay(error, 0, policy, lambda: 0.0), 0)


class Errors(WithService):
    def test_every_code_has_its_class(self) -> None:
        for code, kind in ERRORS_BY_CODE.items():
            _, client = self.serve(lambda _, code=code: problem(code, 400, X_Request_ID="r-1"))
            with self.subTest(code), self.assertRaises(kind) as raised:
                client.stats()
            self.assertEqual((raised.exception.code, raised.exception.request_id), (code, "r-1"))

    def test_a_code_of_a_newer_service(self) -> None:
        _, client = self.serve(lambda _: problem("TEAPOT", 418))
        with self.assertRaises(EdgesiftError) as raised:
            client.stats()
        self.assertEqual((raised.exception.code, raised.exception.status), ("TEAPOT", 418))

    def test_what_is_not_the_service(self) -> None:
        for reply in (Reply(404, b"<html>"), Reply(200, b"<html>"), Reply(400, [1]), Reply(301, b"")):
            _, client = self.serve(lambda _, reply=reply: reply)
            with self.subTest(reply), self.assertRaises(edgesift.UnexpectedResponse):
                client.stats()

    def test_nothing_listens(self) -> None:
        service, client = self.serve(lambda _: Reply())
        service.close()
        with self.assertRaises(edgesift.ConnectionFailed):
            client.health()

    def test_an_attempt_has_a_time_limit(self) -> None:
        released = threading.Event()
        self.addCleanup(released.set)

        def respond(_: Received) -> Reply:
            released.wait(20)
            return Reply(body={})

        _, client = self.serve(respond, timeout=0.1, retry=RetryPolicy(retries=0))
        with self.assertRaises(edgesift.TimedOut):
            client.stats()

    def test_addresses_are_checked(self) -> None:
        for url in ("features.example.com", "ftp://a", "http://"):
            with self.assertRaises(ValueError):
                Client(url)

    def test_retry_after_may_be_a_date(self) -> None:
        self.assertEqual(read_retry_after("7"), 7)
        self.assertEqual(read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), 0)
        self.assertGreater(read_retry_after("Wed, 21 Oct 2099 07:28:00 GMT") or 0, 1e9)
        for text in ("soon", "1.5", "-1", ""):
            self.assertIsNone(read_retry_after(text), text)


class Batches(WithService):
    def test_one_failure_stops_no_other(self) -> None:
        def respond(received: Received) -> Reply:
            if received.method == "GET":
                return NOT_CACHED
            return problem("IMAGE_READ_ERROR", 422) if received.body == b"bad" else Reply(body={"n": received.body.decode()})

        _, client = self.serve(respond)
        images = [b"a", b"bad", "no-such-file.png", b"d"]
        items = sorted(client.batch(images, concurrency=2), key=lambda item: item.index)
        self.assertEqual([item.image for item in items], images)
        self.assertEqual([item.result and item.result["n"] for item in items], ["a", None, None, "d"])
        self.assertIsInstance(items[1].error, edgesift.ImageReadError)
        self.assertIsInstance(items[2].error, FileNotFoundError)

    def test_images_are_worked_on_side_by_side(self) -> None:
        both = threading.Barrier(2, timeout=20)

        def respond(_: Received) -> Reply:
            both.wait()
            return Reply(body={})

        _, client = self.serve(respond, timeout=30)
        self.assertEqual([item.error for item in client.batch([b"a", b"b"], concurrency=2)], [None, None])

    def test_only_some_images_are_taken_at_a_time(self) -> None:
        taken: list[int] = []

        def images():
            for index in range(9):
                taken.append(index)
                yield bytes([index])

        _, client = self.serve(lambda _: Reply(body={}))
        results = client.batch(images(), concurrency=3)
        next(results)
        self.assertEqual(taken, [0, 1, 2])
        results.close()
        self.assertEqual(taken, [0, 1, 2])

    def test_leaving_the_loop_ends_retries(self) -> None:
        def respond(received: Received) -> Reply:
            is_first = received.path.endswith(hashlib.sha256(b"first").hexdigest())
            return Reply(body={}) if is_first else problem("OVERLOADED", 503, Retry_After="20")

        retrying = threading.Event()
        policy = RetryPolicy(retries=99, max_delay=60)
        _, client = self.serve(respond, retry=policy, on_retry=lambda _: retrying.set())
        results = client.batch([b"first", b"second"], concurrency=2)
        next(results)
        self.assertTrue(retrying.wait(20))
        results.close()
        deadline = time.monotonic() + 15
        while any(thread.name.startswith("edgesift") for thread in threading.enumerate()):
            self.assertLess(time.monotonic(), deadline, "a thread still waits for its retry")
            time.sleep(0.01)

    def test_features_come_as_arrays(self) -> None:
        _, client = self.serve(lambda _: Reply(body=file_of(arrays_of())))
        items: list[BatchItem] = list(client.batch_features([b"a", b"b"]))
        self.assertEqual([item.result and item.result.count for item in items], [3, 3])


class OtherCalls(WithService):
    def test_the_api_key_and_headers_go_with_every_request(self) -> None:
        service, client = self.serve(lambda _: Reply(body={}), api_key="es_key", headers={"X-Mine": "1"})
        client.stats()
        headers = service.received[0].headers
        self.assertEqual((headers["authorization"], headers["x-mine"]), ("Bearer es_key", "1"))

    def test_existence_is_asked_by_the_thousand(self) -> None:
        def respond(received: Received) -> Reply:
            return Reply(body={"cached": json.loads(received.body)["sha256"][:1]})

        service, client = self.serve(respond)
        hashes = [f"{index:064x}" for index in range(1500)]
        self.assertEqual(client.exists(hashes + hashes, nfeatures=9), {hashes[0], hashes[1000]})
        self.assertEqual([len(json.loads(sent.body)["sha256"]) for sent in service.received], [1000, 500])
        self.assertEqual(service.received[0].query, "nfeatures=9")

    def test_a_match_sends_images_only_where_they_are_not_cached(self) -> None:
        service, client = self.serve_in_turn(NOT_CACHED, Reply(body={"matches": 3}))
        self.assertEqual(client.match(IMAGE, "cd" * 32, ratio=0.7)["matches"], 3)
        by_hash, by_upload = (sent.body for sent in service.received)
        self.assertIn(HASH.encode(), by_hash)
        self.assertNotIn(IMAGE, by_hash)
        self.assertIn(IMAGE, by_upload)
        self.assertIn(b"cd" * 32, by_upload)

    def test_an_unhealthy_service_is_a_result(self) -> None:
        service, client = self.serve(lambda _: Reply(503, {"status": "unhealthy"}))
        self.assertEqual(client.health()["status"], "unhealthy")
        self.assertEqual(len(service.received), 1)

    def test_cached_keys_come_page_by_page(self) -> None:
        def respond(received: Received) -> Reply:
            is_first = "cursor=0" in received.query
            cursor = "7" if is_first else None
            return Reply(body={"keys": [{"key": "a"}], "deleted_keys": 2, "cursor": cursor})

        service, client = self.serve(respond)
        self.assertEqual(list(client.cache.list("*x")), [{"key": "a"}] * 2)
        self.assertEqual(client.cache.clear("*"), 4)
        client.cache.inspect("e@1/n 0/a")
        client.cache.delete("e@1/n 0/a")
        path = "/api/v1/cache/keys"
        expected = [f"GET {path}"] * 2 + [f"DELETE {path}"] * 2 + [f"{m} {path}/e%401/n%200/a" for m in ("GET", "DELETE")]
        self.assertEqual(service.requests, expected)

    def test_a_job_is_followed_until_it_has_ended(self) -> None:
        states = iter(["running", "running", "completed"])
        _, client = self.serve(lambda _: Reply(body={"state": next(states)}))
        with mock.patch("edgesift.jobs.time.sleep"):
            self.assertEqual([job["state"] for job in client.jobs.follow("job-1")], ["running", "completed"])

    def test_jobs_are_listed_page_by_page(self) -> None:
        service, client = self.serve_in_turn(
            Reply(body={"jobs": [{"id": "b"}], "next": "b"}), Reply(body={"jobs": [{"id": "a"}], "next": None})
        )
        self.assertEqual([job["id"] for job in client.jobs.list()], ["b", "a"])
        self.assertEqual([sent.query for sent in service.received], ["limit=100", "limit=100&before=b"])

    def test_vehicles(self) -> None:
        def respond(received: Received) -> Reply:
            if received.path == f"/api/vehicle/{HASH}":
                return problem("NOT_FOUND", 404)
            return Reply(body=b"<html>" if b"html" in received.body else {"status": "success"})

        service, client = self.serve(respond)
        client.vehicles.classify(IMAGE)
        client.vehicles.report(IMAGE, vehicle_id="v 1")
        self.assertEqual(client.vehicles.report_page(IMAGE), "<html>")
        client.vehicles.find_report("v 1")
        client.vehicles.models()
        self.assertEqual([item.error for item in client.vehicles.classify_batch([b"x"])], [None])
        self.assertEqual(
            service.requests[:6],
            [
                f"GET /api/vehicle/{HASH}",
                "POST /api/vehicle/classify",
                "POST /api/vehicle/report",
                "POST /api/vehicle/report",
                "GET /api/vehicle/report/v%201",
                "GET /api/models/metadata",
            ],
        )
        self.assertIn(b'name="vehicle_id"\r\n\r\nv 1\r\n', service.received[2].body)
