# One image, any function: FUNCTION_SOURCE and FUNCTION_TARGET choose which.
#
#   docker build -t image-api .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:9090:8080 \
#     -e FUNCTION_SOURCE=functions/health.py -e FUNCTION_TARGET=health image-api
#
# It runs as any user, needs no capability, writes below /tmp only, and finishes what is in flight on SIGTERM.

FROM python:3.13-slim AS packages
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --quiet --require-hashes --no-cache-dir --no-compile \
    --disable-pip-version-check -r requirements.txt
# unchecked-hash: valid whatever becomes of the files' times, and nothing is looked up at a cold start.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM python:3.13-slim
# The base comes without its bytecode, and on a read-only root it would be made anew at every start.
RUN python -m compileall -q --invalidation-mode unchecked-hash \
    -x 'site-packages|idlelib|tkinter|turtledemo|ensurepip|lib2to3|_pyrepl|test' /usr/local/lib/python3.13 \
    && install -d -o 10001 -g 10001 /var/log/image-api
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY api api
COPY common common
COPY cron cron
COPY functions functions
COPY runtime runtime
# chmod: any user can read it, whatever the umask it was checked out under.
RUN chmod -R a+rX . && python -m compileall -q --invalidation-mode unchecked-hash .

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    PORT=8080 \
    LOG_PATH=/tmp/logs/app.log
EXPOSE 8080
USER 10001:10001
CMD ["gunicorn", "-c", "python:runtime.gunicorn", "functions_framework:create_app()"]
