# Google Cloud: one address for the services of cloud-run.sh or cloud-run-functions.sh, a global external Application
# Load Balancer. Running it again is harmless.
#
#   python3 -m deploy cloud-run-routes --domain images.example.org > routes.sh
#   PROJECT=my-project REGION=europe-west1 sh routes.sh
#
# It routes by the beginning of the path alone, so a service holds all functions whose paths begin alike; the services
# answer 405 themselves.
#
# Not tried on Google Cloud. Checked by a test that runs it with a stand-in for gcloud, and by reading its reference.
set -eu
: "${REGION:?the region of the services}" "${PROJECT:?the project}"
missing() { ! gcloud compute "$@" >/dev/null 2>&1; }
backends=https://www.googleapis.com/compute/v1/projects/$PROJECT/global/backendServices

# each function
if missing backend-services describe @service@ --global; then
  gcloud compute network-endpoint-groups create @service@ --region "$REGION" \
    --network-endpoint-type serverless --cloud-run-service @service@
  gcloud compute backend-services create @service@ --global --load-balancing-scheme EXTERNAL_MANAGED
  gcloud compute backend-services add-backend @service@ --global \
    --network-endpoint-group @service@ --network-endpoint-group-region "$REGION"
fi
# end

gcloud compute url-maps import image-api --global --quiet <<END
name: image-api
defaultService: $backends/index
hostRules:
  - hosts: ["*"]
    pathMatcher: functions
pathMatchers:
  - name: functions
    defaultService: $backends/index
    pathRules:
      # each function
      - paths: ["@path_glob@"]
        service: $backends/@service@
      # end
END

if missing forwarding-rules describe image-api --global; then
  gcloud compute ssl-certificates create image-api --global --domains "@domain@"
  gcloud compute target-https-proxies create image-api --url-map image-api --ssl-certificates image-api
  gcloud compute forwarding-rules create image-api --global --load-balancing-scheme EXTERNAL_MANAGED \
    --network-tier PREMIUM --target-https-proxy image-api --ports 443
fi
gcloud compute forwarding-rules describe image-api --global --format 'value(IPAddress)' # @domain@ points here
