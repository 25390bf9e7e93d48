# Google Cloud Run functions: a service a function, from this folder's source; Google's buildpacks make the image.
#
#   # services and secrets as in cloud-run.sh
#   python3 -m deploy cloud-run-functions > deploy-all.sh
#   REGION=europe-west1 sh deploy-all.sh
#
# GOOGLE_FUNCTION_SOURCE names the file at build time; the buildpack installs requirements.txt and starts
# `functions-framework`, so runtime/gunicorn.py is not used: keep-alive is 2 s, which Cloud Run does not mind. WORKERS and
# THREADS are read all the same. PYTHONPATH makes `common` importable.
# .gitignore keeps .venv and the like from being uploaded: gcloud follows it where there is no .gcloudignore.
# For all else (limits, files, probe, SIGTERM, cron) see cloud-run.sh; for the one address cloud-run-routes.sh.
#
# Not tried on Google Cloud. Checked by a test that runs it with a stand-in for gcloud, by one that starts each function
# with the plain functions-framework command, and by reading the buildpack.
set -eu
: "${REGION:?the region to deploy to, such as europe-west1}"
# each function
gcloud run deploy @service@ --region "$REGION" --source . --function @target@ --base-image python313 \
  --allow-unauthenticated --ingress internal-and-cloud-load-balancing \
  --cpu 1 --memory @memory_mib@Mi --concurrency @threads@ --timeout 60 --min-instances 0 --max-instances 10 \
  --set-build-env-vars GOOGLE_FUNCTION_SOURCE=@source@ \
  --set-secrets DATABASE_URL=image-api-database-url:latest,API_TOKENS=image-api-tokens:latest \
  --set-env-vars PYTHONPATH=/workspace,FUNCTIONS=@functions@,WORKERS=1,THREADS=@threads@,LOG_STORE=database,QUEUE_TIMEOUT_SECONDS=5
# end
