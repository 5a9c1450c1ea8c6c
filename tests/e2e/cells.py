"""Cells: a fleet and a registry of their own in a shared sandbox, brought to where a scenario begins.

A table of faults has hundreds of cells, most of whose time is waiting; so they share sandboxes, and several run at once.
"""

import concurrent.futures
import itertools
import json
import queue

from harness import PATIENCE, PROJECT, SANITIZED, VARIABLES, Sandbox, Site, assert_provisioned

DEVICES = 2
AT_ONCE = 6
# Long enough for an answer from a busy machine, short enough to wait for it hundreds of times.
DEADLINES = ("--attempt-deadline", "2s" if SANITIZED else "500ms", "--call-deadline", "10s")

_numbers = itertools.count(1)


class Cell:
    def __init__(self, sandbox, directory):
        self.sandbox = sandbox
        self.name = f"cell{next(_numbers)}"
        self.slug = f"acme/{self.name}"
        sandbox.post("fleets", slug=self.slug, services=["relay"])
        sandbox.add_registry(self.name)
        self.uuids = sandbox.add_devices(DEVICES, self.slug)
        self.site = Site(directory / self.name, sandbox)
        self.site.registry(registry=self.name).fleet(slug=self.slug)
        self.absent = False

    def sync(self):
        return self.site.sync_once("--log-level", "debug", *DEADLINES)

    def run(self, command, uuid):
        """A command for one device, to its end."""
        return self.site.run(command, uuid, "--log-level", "debug", *DEADLINES)

    def start(self, *command):
        return self.site.start(*(command or ("sync",)), "--log-level", "debug", *DEADLINES)

    def registrations(self):
        return self.sandbox.registrations(self.name)

    def change_registrations(self, **change):
        for uuid in self.uuids:
            self.sandbox.call(
                "PATCH", f"registrations/balena-{uuid}?registry={PROJECT}/registries/{self.name}",
                change)

    def assert_converged(self, done):
        assert done.returncode == 0, done.stdout + done.stderr
        registrations = self.registrations()
        if self.absent:
            assert registrations == {}
            for uuid in self.uuids:
                left = [name for name in VARIABLES if self.sandbox.variable(uuid, name, "relay")]
                assert left == []
            return
        assert_provisioned(self.sandbox, self.uuids, registry=self.name)
        assert len(registrations) == DEVICES, "more registrations than devices"

    def remove(self):
        self.sandbox.clear_faults()
        self.sandbox.call("DELETE", f"fleets/{self.slug}")
        self.sandbox.call("DELETE", f"registries/{PROJECT}/registries/{self.name}")
        self.sandbox.devices -= DEVICES


def provisioned(cell):
    """All is as it should be."""
    cell.assert_converged(cell.sync())


def provision(cell):
    """Nobody has seen the devices before."""


def deliver(cell):
    """The key variable is destroyed."""
    provisioned(cell)
    for uuid in cell.uuids:
        cell.sandbox.remove_variable(uuid, "GCP_PRIVATE_KEY", "relay")


def add_again(cell):
    """The registration has lost its credential."""
    provisioned(cell)
    cell.change_registrations(credentials=[])


def recreate(cell):
    """The registration is gone, the variables are not."""
    provisioned(cell)
    for uuid in cell.uuids:
        cell.sandbox.call(
            "DELETE", f"registrations/balena-{uuid}?registry={PROJECT}/registries/{cell.name}")


def expire(cell):
    """The stored key has expired, and was issued long ago."""
    provisioned(cell)
    for name, registration in cell.registrations().items():
        key = registration["credentials"][0] | {"expirationTime": "2026-01-31T00:00:00Z"}
        metadata = registration["metadata"]
        metadata["bco-keys"] = metadata["bco-keys"].partition("@")[0] + "@2026-01-01T00:00:00Z"
        cell.sandbox.call("PATCH", f"registrations/{name}?registry={PROJECT}/registries/{cell.name}",
                          {"credentials": [key], "metadata": metadata})


def adopt(cell):
    """What the cloud function left: a registration without a mark, whose key the device holds."""
    provisioned(cell)
    cell.change_registrations(metadata={})


def deprovision(cell):
    """The files say that the devices are to have no registration."""
    provisioned(cell)
    for uuid in cell.uuids:
        cell.site.device(uuid, state="Absent")
    cell.absent = True


SWEEP = ("balena.fleet.list", "balena.device.count", "balena.device.list", "balena.install.list",
         "clearblade.exchange", "clearblade.registry.get", "clearblade.device.list")
READS = (*SWEEP, "balena.device.get")
# When balena's token ends: for the fleet's status alone, once an hour. One scenario shows what its failures do.
TOKEN = "balena.api_key.list"
# What each scenario sends, as test_the_table_is_complete checks.
SCENARIOS = {
    provision: (*READS, "clearblade.device.create", "balena.variable.create", TOKEN),
    deliver: (*READS, "clearblade.device.get", "balena.variable.create"),
    add_again: (*READS, "clearblade.device.get", "clearblade.device.patch",
                "balena.variable.update"),
    recreate: (*READS, "clearblade.device.create", "balena.variable.update"),
    expire: (*READS, "clearblade.device.get", "clearblade.device.patch", "balena.variable.update"),
    adopt: (*READS, "clearblade.device.get", "clearblade.device.patch"),
    deprovision: (*READS, "clearblade.device.get", "clearblade.device.delete",
                  "balena.variable.delete"),
}
TABLE = [(scenario, kind) for scenario, kinds in SCENARIOS.items() for kind in kinds]
IDS = [f"{scenario.__name__}-{kind}" for scenario, kind in TABLE]


# What the commands for one device send; they list nothing.
BY_COMMAND = {
    "provision": ("balena.fleet.list", "clearblade.exchange", "clearblade.registry.get",
                  "balena.device.get", "clearblade.device.create", "balena.variable.create"),
    "deprovision": ("balena.fleet.list", "clearblade.exchange", "clearblade.registry.get",
                    "balena.device.get", "clearblade.device.get", "clearblade.device.delete",
                    "balena.variable.delete"),
}
COMMAND_TABLE = [(command, kind) for command, kinds in BY_COMMAND.items() for kind in kinds]
COMMAND_IDS = [f"{command}-{kind}" for command, kind in COMMAND_TABLE]


def before(command):
    """The scenario that leaves the command its work."""
    return {"provision": provision, "deprovision": deprovision}[command]


class Pool:
    """Runs cells, several at once, each in a sandbox that is its own for that time."""

    def __init__(self, directory):
        self.directory = directory
        self.free = queue.Queue()
        self.sandboxes = []
        world = directory / "world.json"
        world.write_text(json.dumps({"tokens": [{"name": "operator", "allFleets": True}],
                                     "serviceAccounts": [{"project": "my-project"}]}))
        for number in range(AT_ONCE):
            place = directory / f"sandbox-{number}"
            place.mkdir()
            self.sandboxes.append(Sandbox(place, "--no-devices", "--world", world))
            self.free.put(self.sandboxes[-1])
        self.threads = concurrent.futures.ThreadPoolExecutor(AT_ONCE)

    def run(self, scenario, play, parts):
        """play(cell, part) for each part, in cells where the scenario begins; tells all that fail."""

        def one(part):
            sandbox = self.free.get(timeout=PATIENCE)
            try:
                cell = Cell(sandbox, self.directory)
                try:
                    scenario(cell)
                    play(cell, part)
                    leaks = sandbox.leaks()
                    assert not leaks, "secrets in what the operator printed"
                finally:
                    sandbox.outputs.clear()
                    cell.remove()
                return None
            except Exception as error:  # all other parts are to be told of too
                return f"{scenario.__name__}, {part}: {error}"
            finally:
                self.free.put(sandbox)

        failures = [each for each in self.threads.map(one, parts) if each]
        assert not failures, "\n\n".join(failures)

    def stop(self):
        self.threads.shutdown()
        for sandbox in self.sandboxes:
            sandbox.stop()
