# The image, behind OpenFaaS's watchdog: it listens on 8080 and answers the probes, the function listens on 8000.
ARG IMAGE
FROM ghcr.io/openfaas/of-watchdog:0.11.7 AS watchdog
FROM ${IMAGE}
COPY --from=watchdog /fwatchdog /usr/bin/fwatchdog
USER root
RUN chmod 755 /usr/bin/fwatchdog
USER 10001:10001
ENV PORT=8000 \
    HOST=127.0.0.1 \
    mode=http \
    upstream_url=http://127.0.0.1:8000 \
    fprocess="gunicorn -c python:runtime.gunicorn functions_framework:create_app()"
CMD ["fwatchdog"]
