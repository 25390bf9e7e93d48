# Scaleway Serverless Containers: a container a function, from the image (amd64).
#
#   scw container namespace create name=image-api        # its id is NAMESPACE_ID
#   psql "$DATABASE_URL" -f init.sql
#   python3 -m deploy scaleway --image rg.fr-par.scw.cloud/NAMESPACE/image-api:1.0 > deploy-all.sh
#   NAMESPACE_ID=... DATABASE_URL=postgresql://... API_TOKENS=... sh deploy-all.sh
#
# For the next release: `scw container container update ID image=...`; `create` refuses a name that is taken.
# The words are those of the v1 API (2026); older versions of scw called them registry-image, cpu-limit, memory-limit.
# Limits: 15 minutes for a request, 1 GiB of image, 1000 characters for an environment variable (Containers
# limitations). A limit on bodies is not documented.
# Files: the container's own, gone with it. LOG_STORE=database; Cockpit has stdout all the same.
# concurrent-requests-threshold is THREADS: above it another instance is started.
# PORT is set by the host. Do not choose 8008, 8012, 8013, 8022, 9090 or 9091: it uses them.
# One address: Serverless Containers have no routes by path; every container has a host name of its own, which works as
# it is (a client may be given one address an endpoint). For one address put a proxy in front that sends the paths to
# these host names over HTTPS: proxy/image-api.conf.template says which.
# Cron: a trigger of the v1 API can GET a path with a header; or a Serverless Job with a cron schedule, running the
# image with the command of the CronJob in kubernetes.yaml.
#
# Not tried on Scaleway. Checked by a test that runs it with a stand-in for scw, and by reading its documents.
set -eu
: "${NAMESPACE_ID:?the namespace}" "${DATABASE_URL:?the database}" "${API_TOKENS:?who may call}"
# each function
scw container container create name=@service@ "namespace-id=$NAMESPACE_ID" "image=@image@" port=8080 \
  privacy=public https-connections-only=true min-scale=0 max-scale=10 timeout=60s \
  mvcpu-limit=1000 memory-limit-bytes=2GB scaling-option.concurrent-requests-threshold=@threads@ \
  environment-variables.FUNCTION_TARGET=@target@ \
  environment-variables.FUNCTION_SOURCE=@source@ environment-variables.FUNCTIONS=@functions@ \
  environment-variables.WORKERS=1 environment-variables.THREADS=@threads@ environment-variables.LOG_STORE=database \
  "secret-environment-variables.DATABASE_URL=$DATABASE_URL" "secret-environment-variables.API_TOKENS=$API_TOKENS"
# end
