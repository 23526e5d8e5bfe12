# An image with the wheel and its s3-cli, without compilers and sources:
#   docker build -t s3dlio .
#   docker run --rm s3dlio s3-cli --help

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --no-install-recommends --yes python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY tests/requirements.txt tests/requirements.txt
RUN python3 -m venv /venv && grep '^maturin==' tests/requirements.txt | xargs /venv/bin/pip install
COPY Cargo.toml Cargo.lock pyproject.toml README.md LICENSE ./
COPY rust rust
COPY python python
RUN /venv/bin/maturin build --locked --profile dist --features extension-module --out /wheels

FROM python:3.13-slim-bookworm
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    --mount=type=bind,source=tests/requirements.txt,target=/requirements.txt \
    pip install --no-cache-dir /wheels/*.whl "$(grep '^numpy==' /requirements.txt)"
RUN useradd --create-home s3dlio
USER s3dlio
WORKDIR /home/s3dlio
CMD ["s3-cli", "--help"]
