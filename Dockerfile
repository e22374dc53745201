# Jalon in a container: not root, root filesystem read-only, everything it keeps under /data.
#
#   docker build -t jalon .
#   docker run --read-only --tmpfs /tmp -v jalon:/data -p 127.0.0.1:8000:8000 jalon

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY pathway ./pathway
COPY fhir_mappings ./fhir_mappings
COPY store ./store
COPY gateways ./gateways
COPY scheduler ./scheduler
COPY app ./app
COPY protocols ./protocols
RUN python -m venv /opt/jalon && /opt/jalon/bin/pip install --no-cache-dir .

FROM python:3.12-slim
RUN groupadd --gid 10001 jalon \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin jalon \
    && install --directory --owner jalon --group jalon --mode 0700 /data
COPY --from=build /opt/jalon /opt/jalon
ENV PATH=/opt/jalon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    JALON_DATABASE_URL=sqlite:////data/jalon.sqlite
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["jalon", "serve", "--host", "0.0.0.0", "--port", "8000"]
