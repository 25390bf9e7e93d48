#!/bin/sh
# Starts nginx in docker compose: what a network with names, a read-only root and another user than root ask for.
set -eu
rm -rf /tmp/body /tmp/proxy /tmp/cache
cat >/etc/nginx/conf.d/compose.conf <<'END'
resolver 127.0.0.11 valid=2s ipv6=off;
client_body_temp_path /tmp/body;
proxy_temp_path /tmp/proxy;
END
export CLIENT_MAX_SIZE_BYTES=$((${CLIENT_MAX_SIZE_MB:-$((MAX_IMAGE_MB + 1))} * 1024 * 1024)) IMAGE_CACHE_PATH=/tmp/cache
PATH=$PATH:/  # where the image keeps its own entrypoint, which fills the templates in
exec docker-entrypoint.sh nginx -g 'daemon off;'
