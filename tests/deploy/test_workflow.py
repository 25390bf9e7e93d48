"""The workflow does what anyone can do by hand, and may no more than it needs."""

import re

import yaml

from tests.servers import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_every_target_that_the_workflow_makes_is_in_the_makefile() -> None:
    made = [target for step in STEPS for target in re.findall(r"make ((?:[a-z]+ ?)+)", step.get("run", ""))]
    targets = set(" ".join(made).split())
    assert {"audit", "image", "scan", "push"} <= targets
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_the_workflow_runs_what_ci_runs() -> None:
    assert "bash .ci/run" in [step.get("run") for step in STEPS]


def test_only_what_publishes_may_write_and_only_for_a_tag() -> None:
    assert WORKFLOW["permissions"] == {}
    may_write = [name for name, job in WORKFLOW["jobs"].items() if "write" in job["permissions"].values()]
    assert may_write == ["publish"]
    assert WORKFLOW["jobs"]["publish"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert set(WORKFLOW["jobs"]["publish"]["needs"]) == set(WORKFLOW["jobs"]) - {"publish"}


def test_no_action_of_a_third_party_runs() -> None:
    assert [step["uses"] for step in STEPS if not step.get("uses", "actions/").startswith("actions/")] == []
