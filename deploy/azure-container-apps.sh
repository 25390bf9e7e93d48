# Azure Container Apps: an app a function, from the image, and one address in front of all.
#
#   az extension add --name containerapp --upgrade --allow-preview true
#   az containerapp env create --name "$ENVIRONMENT" --resource-group "$GROUP" --location westeurope
#   psql "$DATABASE_URL" -f init.sql
#   python3 -m deploy azure-container-apps --image registry.azurecr.io/image-api:1.0 > deploy-all.sh
#   GROUP=image-api ENVIRONMENT=image-api DATABASE_URL=postgresql://... API_TOKENS=... sh deploy-all.sh
#
# A private registry: --registry-server and --registry-identity, see `az containerapp create`.
# Limits: 240 s for a request (Container Apps, ingress). A limit on bodies is not documented.
# Files: the container's own, gone with it. LOG_STORE=database; Log Analytics has stdout all the same.
# --scale-rule-http-concurrency is THREADS: above it another replica is started. Memory is 2 Gi, because the Consumption
# plan wants twice as many Gi as CPUs.
# Probes: Container Apps' defaults are TCP, or none on the Consumption plan of a workload profile environment.
# One address: an HTTP route configuration (preview). It routes by the beginning of the path alone, so an app holds all
# functions whose paths begin alike. A domain of yours is bound to the route configuration. The apps keep
# addresses of their own besides.
# Cron: a Container Apps job with a cron expression, running the image with the command of the CronJob in
# kubernetes.yaml.
#
# Not tried on Azure. Checked by a test that runs it with a stand-in for az, and by reading its documents.
set -eu
: "${GROUP:?the resource group}" "${ENVIRONMENT:?the Container Apps environment}"
: "${DATABASE_URL:?the database}" "${API_TOKENS:?who may call}"
# each function
az containerapp create --name @service@ --resource-group "$GROUP" --environment "$ENVIRONMENT" --image "@image@" \
  --ingress external --target-port 8080 --transport http --cpu 1 --memory 2Gi \
  --min-replicas 0 --max-replicas 10 \
  --scale-rule-name http --scale-rule-type http --scale-rule-http-concurrency @threads@ \
  --secrets "database-url=$DATABASE_URL" "api-tokens=$API_TOKENS" \
  --env-vars DATABASE_URL=secretref:database-url API_TOKENS=secretref:api-tokens \
  FUNCTION_TARGET=@target@ FUNCTION_SOURCE=@source@ FUNCTIONS=@functions@ \
  WORKERS=1 THREADS=@threads@ LOG_STORE=database
# end

routes=$(mktemp)
cat >"$routes" <<END
rules:
  # each function
  - description: "@routes@"
    routes:
      - match: {@path_match@: "@fixed_path@"}
    targets:
      - containerApp: @service@
  # end
END
az containerapp env http-route-config create --http-route-config-name image-api \
  --resource-group "$GROUP" --name "$ENVIRONMENT" --yaml "$routes" --query properties.fqdn
rm "$routes"
