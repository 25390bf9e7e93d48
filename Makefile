PYTHON ?= python3
IMAGE ?= image-api
VENV = @$(PYTHON) tools/bootstrap.py
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make requirements" pyproject.toml
UVX = .venv/bin/uv tool run --quiet --from
SCHEMAS = .data/schemas

.PHONY: help run dev test test-fast check generate bench load requirements clean reset up down logs psql call cron test-compose image push schemas audit scan

help: ## this menu
	@awk -F ':.*## ' '/^# / { print "\n" substr($$0, 3) } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# On this machine, without containers

run: ## everything: PostgreSQL, each function, the proxy, the schedule
	$(VENV) -m emulator

dev: ## the same, starting a function anew when its code changes
	$(VENV) -m emulator --reload

cron: ## fire every job of the schedule now, in the containers if they run, and say what happened
	@if docker compose ps --services --status running 2>/dev/null | grep -qx cron; \
		then docker compose exec -T cron python -m cron --now; \
		else $(PYTHON) tools/bootstrap.py -m tools.cron --now; fi

# Working on the code

test: ## all tests; some of them: make test T=tests/functions/test_health.py
	$(VENV) -m pytest --numprocesses auto --dist loadfile $(T)

test-fast: ## the tests that need no server, in half a minute
	$(VENV) -m pytest --numprocesses auto --dist worksteal tests/common/images/test_image_formats.py tests/common/images/test_images.py \
		tests/common/images/test_image_colours.py tests/common/images/test_decode.py tests/common/images/test_slots.py \
		tests/common/http/test_conditional.py tests/common/test_errors.py tests/common/test_filenames.py tests/deploy \
		tests/tools/test_openapi.py tests/test_contracts.py tests/test_documents.py

test-compose: ## the containers' tests, as a project of its own (needs Docker)
	$(VENV) -m pytest tests/compose

check: ## lint, format, types, import contracts, generated files
	$(VENV)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m tools.generate --check

generate: ## write the files that follow from api/endpoints.py, common/settings.py and the handlers
	$(VENV) -m tools.generate

requirements: ## pin anew what pyproject.toml asks for
	$(VENV)
	$(COMPILE) -o requirements.txt
	$(COMPILE) --group dev -o requirements-dev.txt
	$(COMPILE) --group dev benchmarks/requirements.in -o benchmarks/requirements.txt

bench: .venv-bench/synced ## measure against a plain service of the same; some jobs: make bench job='conversion reads'
	.venv-bench/bin/python -m benchmarks $(job)

load: export TOKEN = $(token)
load: .venv-bench/synced ## callers as in real use, on any deployment: make load url=http://127.0.0.1:8080 token=...
	@$(if $(url),,$(error where? make load url=http://127.0.0.1:8080 token=...))
	@.venv-bench/bin/locust --locustfile benchmarks/locustfile.py --host "$(url)" --headless \
		--only-summary --users $(or $(users),20) --spawn-rate 5 --run-time $(or $(time),1m)

.venv-bench/synced: benchmarks/requirements.txt
	$(VENV)
	@.venv/bin/uv venv --quiet --allow-existing .venv-bench
	@.venv/bin/uv pip sync --quiet --python .venv-bench --require-hashes benchmarks/requirements.txt
	@touch $@

clean: ## remove what was made here; stored images, logs and .env stay
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: ## delete the stored images, the logs and the secrets of this folder; asks first
	@printf 'This deletes every image and log that `make run` stored here (.data, logs). Type yes: '; \
		read answer && [ "$$answer" = yes ] && rm -rf .data logs && echo 'Deleted.' || { echo 'Nothing was deleted.'; exit 1; }

# In containers

up: ## everything, by docker compose
	$(VENV) -m tools.compose

down: ## stop the containers; images and logs stay
	docker compose down --remove-orphans

logs: ## follow the containers' lines; of one: make logs f=upload_image
	docker compose logs --follow --tail 200 $(f)

psql: ## look into the containers' database
	docker compose exec database psql -U image_api

call: ## one function by curl: make call f=get_logs path='/logs?limit=5', or a='-F file=@photo.jpg'
	$(VENV) -m tools.call "$(f)" "$(path)" $(a)

# For a deployment

image: ## the image of every function; its name: make image IMAGE=registry.example.org/image-api:1.0
	docker build --tag "$(IMAGE)" .

push: ## the image to its registry
	docker push "$(IMAGE)"

schemas: ## deploy/ and the workflow against the schemas of those who read them
	$(VENV)
	@mkdir -p $(SCHEMAS)
	.venv/bin/python -m deploy kubernetes --image image-api:1 --domain images.example.org > $(SCHEMAS)/kubernetes.yaml
	.venv/bin/python -m deploy aws-lambda --image image-api:1 > $(SCHEMAS)/aws-lambda.yaml
	$(UVX) kubernetes-validate==1.37.0 kubernetes-validate --strict --no-warn --quiet $(SCHEMAS)/kubernetes.yaml
	$(UVX) cfn-lint==1.58.0 cfn-lint $(SCHEMAS)/aws-lambda.yaml
	$(UVX) check-jsonschema==0.39.0 check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(UVX) zizmor==1.32.0 zizmor --offline --quiet .github/workflows

audit: ## known vulnerabilities in requirements.txt, from the package index's advisories: needs the network
	$(VENV)
	$(UVX) pip-audit==2.10.1 pip-audit --requirement requirements.txt --require-hashes --disable-pip --strict \
		--progress-spinner off

scan: ## known vulnerabilities in the image, from Anchore's database: needs the network
	@mkdir -p .data
	docker save --output .data/image.tar "$(IMAGE)"
	docker run --rm --volume "$(CURDIR)/.data/image.tar:/image.tar:ro" anchore/grype:v0.119.0 \
		docker-archive:/image.tar --only-fixed --fail-on high
