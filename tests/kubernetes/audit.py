"""What an API server was asked, by its own account."""

import json

GROUPS = ("provisioning.balena-clearblade.io", "coordination.k8s.io")


class Audit:
    """The requests for objects of ours and for leases. Each is noted before it is worked on: who has an answer is noted."""

    def __init__(self, directory):
        self._policy = directory / "audit-policy.json"
        self._log = directory / "audit.log"
        self._policy.write_text(json.dumps({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "omitStages": ["ResponseStarted", "ResponseComplete", "Panic"],
            "rules": [{"level": "Metadata", "resources": [{"group": group} for group in GROUPS]},
                      {"level": "None"}]}))

    def flags(self):
        return ["--audit-policy-file", self._policy, "--audit-log-path", self._log]

    def now(self):
        """A point to read from later."""
        return self._log.stat().st_size if self._log.exists() else 0

    def requests(self, since, user="balena-clearblade-operator"):
        """Those of a service account, in their order."""
        with self._log.open("rb") as log:
            log.seek(since)
            entries = [json.loads(line) for line in log if line.endswith(b"\n")]
        return [Request(entry) for entry in entries if entry["user"]["username"].endswith(f":{user}")]


class Request:
    def __init__(self, entry):
        self.verb = entry["verb"]
        self.path = entry["requestURI"]
        place = entry["objectRef"]
        self.resource = place["resource"]
        self.subresource = place.get("subresource", "")
        self.name = place.get("name", "")
        self.namespace = place.get("namespace", "")

    def __repr__(self):
        return f"{self.verb} {self.path}"

    @property
    def writes(self):
        return self.verb not in ("get", "list", "watch")

    @property
    def lists(self):
        """In pages, or as a stream that begins with what there is. A look at one object, by its name, is none."""
        return (self.verb == "list" and "metadata.name" not in self.path) or "sendInitialEvents=true" in self.path

    @property
    def resumes(self):
        """A watch of what comes after a version that is known."""
        return self.verb == "watch" and "resourceVersion=" in self.path and not self.lists
