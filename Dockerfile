# One image for web, workers and beat. It is set up by the same script as a machine without containers.
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
COPY pyproject.toml constraints.txt ./
COPY scripts scripts
RUN python3 scripts/setup.py
COPY frontend frontend
RUN python3 scripts/setup.py && rm -rf .venv/node-tools

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin winnow \
 && install -d -o winnow -g winnow /state
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --from=build /app/frontend/dist frontend/dist
COPY manage.py pyproject.toml LICENSE ./
COPY ml ml
COPY server server
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/tmp \
    HF_HOME=/state/huggingface \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WINNOW_ENV=production \
    WINNOW_STATE=/state
RUN python -m compileall -q server ml
USER 10001:10001
VOLUME /state
EXPOSE 8000
CMD ["uvicorn", "server.config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--timeout-keep-alive", "75", "--no-access-log"]
