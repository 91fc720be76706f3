# The service in a container: the base install with ONNX Runtime, without PyTorch, its weights and
# a compiler.
#
#   docker build -t pix2seg .
#   docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges \
#       -p 127.0.0.1:8000:8000 pix2seg
#
# Nothing is written but the counters of several workers, in /dev/shm.

FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY pix2seg pix2seg
COPY preprocess preprocess
COPY train train
RUN python -m venv /opt/pix2seg \
    && /opt/pix2seg/bin/pip install --no-cache-dir --only-binary :all: --no-binary pix2seg \
        --constraint constraints.txt ".[serve]" \
    && /opt/pix2seg/bin/pip uninstall --yes pip \
    && find /opt/pix2seg -path "*/weights/*.safetensors" -delete \
    && find /opt/pix2seg -name __pycache__ -prune -exec rm -r {} + \
    && /opt/pix2seg/bin/python -m compileall -q /opt/pix2seg/lib

FROM python:3.12-slim
COPY --from=build /opt/pix2seg /opt/pix2seg
ENV PATH=/opt/pix2seg/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/nonexistent
USER 65534:65534
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["pix2seg", "serve", "--host", "0.0.0.0"]
