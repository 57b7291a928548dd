# Refdesk itself. The volume on data/ holds the database and the trained model.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/refdesk

# Charts as pictures have Chinese words.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*

COPY requirements/run.txt requirements/run.txt
RUN pip install --require-hashes -r requirements/run.txt

COPY pyproject.toml README.md refdesk.toml ./
COPY bot bot
COPY connectors connectors
RUN pip install --no-deps .
COPY intents intents
COPY knowledge knowledge

RUN useradd --create-home --uid 1000 refdesk && mkdir data && chown refdesk data
USER refdesk
VOLUME /srv/refdesk/data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["refdesk", "serve"]
