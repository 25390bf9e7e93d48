# Google Cloud Run: a service a function, from the image. The one address in front is cloud-run-routes.sh.
#
#   gcloud services enable run.googleapis.com secretmanager.googleapis.com
#   printf %s "postgresql://..." | gcloud secrets create image-api-database-url --data-file=-
#   printf %s "<token>"          | gcloud secrets create image-api-tokens --data-file=-
#   # the services' account needs roles/secretmanager.secretAccessor on both
#   psql "$DATABASE_URL" -f init.sql
#   python3 -m deploy cloud-run --image REGION-docker.pkg.dev/PROJECT/images/image-api:1.0 > deploy-all.sh
#   REGION=europe-west1 sh deploy-all.sh
#
# Limits: 32 MiB for a request over HTTP/1 (quotas), 60 minutes for --timeout (request timeout).
# Files: writable, but in memory: they count against --memory. LOG_STORE=database, because each instance has its own;
# Cloud Logging has stdout all the same. With CPU for requests only (the default), what is done after an answer waits
# for the next request: --no-cpu-throttling changes that.
# --concurrency is THREADS, --cpu is WORKERS (of upload_image CONVERSION_SLOTS).
# Probe: Cloud Run's default is TCP at the start, which suits every function.
# SIGTERM: Cloud Run gives 10 s (container runtime contract), gunicorn would take 30: with QUEUE_TIMEOUT_SECONDS=5 a
# conversion has the other five.
# Cloud SQL: --add-cloudsql-instances, and DATABASE_URL=postgresql://user:password@/name?host=/cloudsql/INSTANCE.
# Cron: Cloud Scheduler sends any method and header.
#   gcloud scheduler jobs create http fetch-logs --location "$REGION" --schedule '* * * * *' \
#     --uri 'https://images.example.org/logs?limit=1000' --http-method GET --headers "Authorization=Bearer $TOKEN"
#
# Not tried on Google Cloud. Checked by a test that runs it with a stand-in for gcloud, and by reading its reference.
set -eu
: "${REGION:?the region to deploy to, such as europe-west1}"
# each function
gcloud run deploy @service@ --region "$REGION" --image "@image@" \
  --allow-unauthenticated --ingress internal-and-cloud-load-balancing \
  --cpu 1 --memory @memory_mib@Mi --concurrency @threads@ --timeout 60 --min-instances 0 --max-instances 10 \
  --set-secrets DATABASE_URL=image-api-database-url:latest,API_TOKENS=image-api-tokens:latest \
  --set-env-vars FUNCTION_TARGET=@target@,FUNCTION_SOURCE=@source@,FUNCTIONS=@functions@,WORKERS=1,THREADS=@threads@,LOG_STORE=database,QUEUE_TIMEOUT_SECONDS=5
# end
