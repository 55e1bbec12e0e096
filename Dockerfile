# Three images of one tree: `web` answers people, `worker` reads faces and carries out jobs, `worker-gpu` reads faces on
# a GPU. None of them has TensorFlow, which only training needs. Each runs as a user without rights, on a read-only
# file system, with /data and /tmp to write to.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    EMOTUNE_ENV=production EMOTUNE_DIR=/data PROMETHEUS_MULTIPROC_DIR=/tmp/metrics LOG_FORMAT=json
RUN useradd --uid 10001 --no-create-home emotune && install -d -o emotune -g emotune /app /data
WORKDIR /app

FROM base AS web
COPY requirements-web.txt ./
RUN pip install -r requirements-web.txt
COPY --chown=root:root . .
USER 10001
EXPOSE 8000
CMD ["python", "-m", "emotune.serve", "web", "--bind=0.0.0.0:8000"]

FROM base AS worker
COPY requirements-web.txt requirements-worker.txt ./
RUN pip install -r requirements-worker.txt
COPY --chown=root:root . .
USER 10001
CMD ["python", "-m", "emotune.serve", "worker"]

FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04 AS worker-gpu
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    EMOTUNE_ENV=production EMOTUNE_DIR=/data PROMETHEUS_MULTIPROC_DIR=/tmp/metrics LOG_FORMAT=json PATH=/venv/bin:$PATH
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home emotune && install -d -o emotune -g emotune /app /data && python3 -m venv /venv
WORKDIR /app
COPY requirements-web.txt requirements-worker.txt requirements-gpu.txt ./
# One onnxruntime or the other: both bring the same module. The one for GPUs has versions of its own, each for one CUDA:
# with another than this image's it would read on the processor, slowly. OpenVINO is for processors.
RUN sed '/^onnxruntime==/d; /^openvino==/d' requirements-worker.txt > requirements-other.txt \
    && pip install -r requirements-other.txt -r requirements-gpu.txt
COPY --chown=root:root . .
USER 10001
CMD ["python", "-m", "emotune.serve", "worker", "--concurrency=1"]
