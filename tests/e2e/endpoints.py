"""The provisioning endpoint as a running program, and callers of it."""

import concurrent.futures
import http.client
import json
import re
import ssl

from harness import PATIENCE, wait_until

TOKEN = "a-bearer-token-for-the-tests"


class Reply:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode()

    @property
    def code(self):
        """The top-level code of a JSON reply, as the Relay reads it."""
        return json.loads(self.text).get("code") if self.text.startswith("{") else None

    def __repr__(self):
        return f"{self.status} {self.text}"


class Caller:
    """Asks an endpoint of this machine."""

    def __init__(self, port, replies):
        self.port = port
        self.tls = None
        self.replies = replies  # searched for secrets as logs are

    def connect(self, timeout=PATIENCE):
        if self.tls:
            return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, body=None, path="/", connection=None, **headers):
        """One request, on a connection of its own unless one is given."""
        own = connection or self.connect()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            own.request(method, path, body, headers)
            reply = Reply(own.getresponse())
        finally:
            if connection is None:
                own.close()
        self.replies.append(f"{reply.headers}{reply.text}")
        return reply

    def post(self, uuid, service="relay", **headers):
        """As the Relay calls it."""
        return self.ask("POST", {"uuid": uuid, "balena_service": service}, "/provision",
                        Cache_Control="no-cache", **headers)

    def delete(self, uuid, token=TOKEN, service="relay"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.ask("DELETE", {"uuid": uuid, "balena_service": service}, "/provision", **headers)

    def post_all(self, uuids, at_once=10):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.post, uuids))


class Endpoint(Caller):
    """A started `sync` or `serve` with an endpoint."""

    def __init__(self, site, *arguments, command="serve", tokens=(TOKEN,), address="127.0.0.1:0"):
        self.site = site
        self.token_file = site.directory.parent / f"{site.directory.name}-tokens"
        self.token_file.write_text("".join(f"{token}\n" for token in tokens))
        site.sandbox.forbidden |= set(tokens)
        self.process = site.start(command, "--endpoint-addr", address,
                                  "--endpoint-token-file", self.token_file, *arguments)
        super().__init__(int(wait_until(self._listening, "the endpoint's start")[1]), site.sandbox.outputs)

    def _listening(self):
        assert self.process.poll() is None, self.log
        return re.search(r"the endpoint listens .*address=\S*:(\d+)", self.log)

    @property
    def log(self):
        return self.site.log_of(self.process)

    def stop(self):
        code, _ = self.site.finish(self.process)
        return code


def trusting(ca_file):
    return ssl.create_default_context(cafile=ca_file)
