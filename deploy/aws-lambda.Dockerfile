# The image with the Lambda Web Adapter: an extension that turns invocations into HTTP on 8080. Elsewhere it sleeps.
ARG IMAGE
FROM public.ecr.aws/awsguru/aws-lambda-adapter:1.0.1 AS adapter
FROM ${IMAGE}
COPY --from=adapter /lambda-adapter /opt/extensions/lambda-adapter
