"""What a service refuses or breaks, and the documented exception of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
import testserver

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 3


@dataclass(frozen=True)
class Case:
    """One verb, the answer that one operation gets, and what must come of it."""

    service: str
    verb: str
    op: str
    status: int
    code: str
    error: type[s3.StorageError]
    attempts: int = 1

    def __str__(self) -> str:
        return f"{self.service}-{self.verb}-{self.status}-{self.code}"


REFUSALS = [
    Case("s3", "get", "GetObject", 401, "Unauthorized", s3.AccessDeniedError),
    Case("s3", "get", "GetObject", 403, "AccessDenied", s3.AccessDeniedError),
    Case("s3", "get", "GetObject", 403, "ExpiredToken", s3.AccessDeniedError),
    Case("s3", "get", "GetObject", 404, "NoSuchKey", s3.NotFoundError),
    Case("s3", "list", "ListObjectsV2", 404, "NoSuchBucket", s3.NotFoundError),
    Case("s3", "create_bucket", "CreateBucket", 409, "BucketAlreadyExists", s3.AlreadyExistsError),
    Case("s3", "delete_bucket", "DeleteBucket", 409, "BucketNotEmpty", s3.NotEmptyError),
    Case(
        "s3", "put", "PutObject", 409, "ConditionalRequestConflict", s3.PreconditionError, ATTEMPTS
    ),
    Case("s3", "get", "GetObject", 412, "PreconditionFailed", s3.PreconditionError),
    Case("s3", "put_once", "PutObject", 412, "PreconditionFailed", s3.AlreadyExistsError),
    Case("s3", "get_range", "GetObject", 416, "InvalidRange", s3.InvalidInputError),
    Case("s3", "get", "GetObject", 429, "TooManyRequests", s3.ThrottledError, ATTEMPTS),
    Case("s3", "get", "GetObject", 400, "RequestTimeout", s3.StorageTimeoutError, ATTEMPTS),
    Case("s3", "put", "PutObject", 400, "BadDigest", s3.IntegrityError),
    Case("s3", "get", "GetObject", 500, "InternalError", s3.ServerError, ATTEMPTS),
    Case("s3", "put", "PutObject", 500, "InternalError", s3.ServerError, ATTEMPTS),
    Case("s3", "get", "GetObject", 501, "NotImplemented", s3.UnsupportedError),
    Case("s3", "get", "GetObject", 502, "BadGateway", s3.ServerError, ATTEMPTS),
    Case("s3", "get", "GetObject", 503, "SlowDown", s3.ThrottledError, ATTEMPTS),
    Case("s3", "list", "ListObjectsV2", 503, "SlowDown", s3.ThrottledError, ATTEMPTS),
    Case("s3", "get", "GetObject", 503, "ServiceUnavailable", s3.ServerError, ATTEMPTS),
    Case("s3", "get", "GetObject", 504, "GatewayTimeout", s3.ServerError, ATTEMPTS),
    Case("s3", "get", "GetObject", 301, "PermanentRedirect", s3.InvalidInputError),
    Case("s3", "get", "GetObject", 307, "TemporaryRedirect", s3.InvalidInputError),
    Case("azure", "get", "GetBlob", 401, "NoAuthenticationInformation", s3.AccessDeniedError),
    Case("azure", "get", "GetBlob", 403, "AuthenticationFailed", s3.AccessDeniedError),
    Case("azure", "get", "GetBlob", 404, "BlobNotFound", s3.NotFoundError),
    Case("azure", "list", "ListBlobs", 404, "ContainerNotFound", s3.NotFoundError),
    Case(
        "azure",
        "create_bucket",
        "CreateContainer",
        409,
        "ContainerAlreadyExists",
        s3.AlreadyExistsError,
    ),
    Case("azure", "put_once", "PutBlob", 409, "BlobAlreadyExists", s3.AlreadyExistsError),
    Case("azure", "get", "GetBlob", 409, "BlobArchived", s3.InvalidInputError),
    Case("azure", "get", "GetBlob", 412, "ConditionNotMet", s3.PreconditionError),
    Case("azure", "put", "PutBlob", 400, "Md5Mismatch", s3.IntegrityError),
    Case("azure", "get", "GetBlob", 429, "TooManyRequests", s3.ThrottledError, ATTEMPTS),
    Case("azure", "get", "GetBlob", 500, "InternalError", s3.ServerError, ATTEMPTS),
    Case("azure", "get", "GetBlob", 500, "OperationTimedOut", s3.StorageTimeoutError, ATTEMPTS),
    Case("azure", "put", "PutBlob", 503, "ServerBusy", s3.ThrottledError, ATTEMPTS),
    Case("azure", "get", "GetBlob", 503, "ServerBusy", s3.ThrottledError, ATTEMPTS),
    Case("azure", "get", "GetBlob", 301, "Moved", s3.InvalidInputError),
    Case("azure", "get", "GetBlob", 307, "Moved", s3.InvalidInputError),
]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, testserver.TestServer]]:
    with testserver.running("s3") as first, testserver.running("azure") as second:
        yield {"s3": first, "azure": second}


@dataclass(frozen=True)
class Place:
    """A bucket on a scripted server, with one object of a kilobyte."""

    server: testserver.TestServer
    bucket: str
    options: dict[str, object]

    def do(self, verb: str) -> str:
        """Do it, and return the URI that it is about."""
        uri = self.bucket + "object"
        match verb:
            case "get":
                s3.get(uri, options=self.options)
            case "get_range":
                s3.get_range(uri, 5, options=self.options)
            case "put":
                s3.put(uri, b"x", options=self.options)
            case "put_once":
                s3.put(uri, b"x", if_none_match=True, options=self.options)
            case "put_large":
                s3.put(uri, bytes(11 << 20), options=self.options)
            case "list":
                s3.list(self.bucket, options=self.options)
            case "create_bucket":
                s3.create_bucket(self.bucket, options=self.options)
            case "delete_bucket":
                s3.delete_bucket(self.bucket, options=self.options)
        return uri


@pytest.fixture
def places(servers: dict[str, testserver.TestServer]) -> dict[str, Place]:
    """A fresh place on each service."""
    made = {}
    for name, bucket in (("s3", "s3://bucket/"), ("azure", "az:///bucket/")):
        server = servers[name]
        server.reset()
        place = Place(server, bucket, {**server.options, "max_attempts": ATTEMPTS})
        s3.create_bucket(bucket, options=place.options)
        s3.put(bucket + "object", bytes(1000), options=place.options)
        server.call("DELETE", "/requests")
        made[name] = place
    return made


def same_request(error: s3.StorageError, place: Place, op: str) -> None:
    """The last answer of the operation is the one that the error names."""
    assert error.request_id == place.server.requests(op)[-1]["request_id"]
    assert f"(request id {error.request_id})" in str(error)


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refusal_is_the_documented_exception(case: Case, places: dict[str, Place]) -> None:
    place = places[case.service]
    refusal = {"do": "fail", "status": case.status, "code": case.code, "message": "because"}
    place.server.fault(refusal, op=case.op)

    with pytest.raises(case.error) as caught:
        place.do(case.verb)

    error = caught.value
    assert type(error) is case.error
    assert (error.status, error.code) == (case.status, case.code), str(error)
    assert error.attempts == case.attempts == len(place.server.requests(case.op))
    assert error.retryable == (case.attempts > 1)
    assert error.uri is not None
    assert str(error).startswith(f"{error.op} {error.uri}: {case.code} ({case.status}): ")
    same_request(error, place, case.op)


@pytest.mark.parametrize(
    ("code", "error", "attempts"),
    [
        ("InternalError", s3.ServerError, ATTEMPTS),
        ("SlowDown", s3.ThrottledError, ATTEMPTS),
        ("InvalidPart", s3.IntegrityError, 1),
        ("AccessDenied", s3.AccessDeniedError, 1),
    ],
)
def test_an_error_inside_a_200_is_an_error(
    code: str, error: type[s3.StorageError], attempts: int, places: dict[str, Place]
) -> None:
    place, op = places["s3"], "CompleteMultipartUpload"
    place.server.fault({"do": "error_in_200", "code": code, "message": "because"}, op=op)

    with pytest.raises(error) as caught:
        place.do("put_large")

    assert type(caught.value) is error
    assert (caught.value.status, caught.value.code) == (200, code), str(caught.value)
    assert caught.value.attempts == attempts == len(place.server.requests(op))
    same_request(caught.value, place, op)


@pytest.mark.parametrize(("service", "op"), [("s3", "ListObjectsV2"), ("azure", "ListBlobs")])
def test_a_listing_that_is_an_error_document_is_no_empty_listing(
    service: str, op: str, places: dict[str, Place]
) -> None:
    place = places[service]
    place.server.fault({"do": "error_in_200", "code": "InternalError"}, op=op)

    with pytest.raises(s3.ServerError):
        place.do("list")


@pytest.mark.parametrize("service", ["s3", "azure"])
def test_an_offset_past_the_end_is_an_invalid_range(service: str, places: dict[str, Place]) -> None:
    place = places[service]

    with pytest.raises(s3.InvalidInputError) as caught:
        s3.get_range(place.bucket + "object", 1000, options=place.options)

    assert caught.value.code == "InvalidRange"


@pytest.mark.parametrize("service", ["s3", "azure"])
def test_what_passes_is_tried_again(service: str, places: dict[str, Place]) -> None:
    place = places[service]
    for status, code in ((503, "SlowDown"), (500, "InternalError")):
        place.server.fault({"do": "fail", "status": status, "code": code}, times=1)

    place.do("get")

    assert len(place.server.requests()) == ATTEMPTS


@pytest.mark.parametrize("service", ["s3", "azure"])
def test_a_redirect_elsewhere_names_the_host_and_is_not_followed(
    service: str, places: dict[str, Place]
) -> None:
    place = places[service]
    place.server.fault({"do": "redirect", "status": 307, "location": "http://elsewhere.test:1"})

    with pytest.raises(s3.InvalidInputError, match=r"http://elsewhere\.test:1 is not followed"):
        place.do("get")

    assert len(place.server.requests()) == 1
