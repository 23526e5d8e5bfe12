"""https with certificates that are right and wrong, as Python and the command line see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
import testserver
from cli.program import bare_environment, call

if TYPE_CHECKING:
    from pathlib import Path

BUCKETS = {"s3": "s3://bucket/", "azure": "az:///bucket/"}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AZURE_STORAGE_KEY": "a2V5",
}


@pytest.mark.parametrize("service", BUCKETS)
def test_a_bundle_makes_an_authority_trusted(service: str, tmp_path: Path) -> None:
    bucket, bundle = BUCKETS[service], tmp_path / "authority.pem"
    with testserver.running(service, "--tls", "good") as server:
        bundle.write_text(server.authority, encoding="ascii")
        options = {**server.options, "ca_bundle": bundle}

        s3.create_bucket(bucket, options=options)
        s3.put(bucket + "object", bytes(9 << 20), options=options)
        assert len(s3.get(bucket + "object", options=options)) == 9 << 20

        env = {**bare_environment(), **ENVIRONMENT}
        at = ["--endpoint-url", server.endpoint, "list", bucket]
        assert "object" in call("--ca-bundle", str(bundle), *at, env=env).lines
        for name in ("AWS_CA_BUNDLE_PATH", "AWS_CA_BUNDLE"):
            assert "object" in call(*at, env={**env, name: str(bundle)}).lines
        assert "certificate" in call(*at, env=env, code=5).err


@pytest.mark.parametrize("service", BUCKETS)
@pytest.mark.parametrize(
    ("kind", "trusted", "reason"),
    [
        ("good", False, "UnknownIssuer"),
        ("expired", True, "expired"),
        ("wrong-host", True, "not valid for name"),
    ],
)
def test_a_wrong_certificate_is_refused_once_with_its_reason(
    service: str, kind: str, reason: str, tmp_path: Path, *, trusted: bool
) -> None:
    bundle = tmp_path / "authority.pem"
    with testserver.running(service, "--tls", kind) as server:
        bundle.write_text(server.authority, encoding="ascii")
        options = {**server.options, "ca_bundle": bundle if trusted else None}

        with pytest.raises(s3.ConnectionFailedError, match="certificate") as caught:
            s3.get(BUCKETS[service] + "object", options=options)

        assert reason in str(caught.value)
        assert (caught.value.attempts, caught.value.retryable) == (1, False)
        assert server.requests() == []
