"""As many objects as somebody may apply at once."""

import collections
import json

from harness import PATIENCE
from installation import writes

COUNT = 2000


def test_two_thousand_objects_applied_at_once_are_each_provisioned_once(installation, cluster, sandbox):
    uuids = sandbox.add_devices(COUNT)
    installation.fleet(devices="Declared", syncInterval="1h").start()
    installation.wait_condition("fleet", "sensors", status="True")
    sandbox.reset_traffic()
    since = cluster.audit.now()
    objects = [installation.object("BalenaDevice", f"d-{uuid}", {"uuid": uuid, "fleetRef": {"name": "sensors"}})
               for uuid in uuids]
    installation.kubectl("apply", "--server-side", "-f", "-",
                         input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), patience=5 * PATIENCE)
    installation.wait_ready(COUNT, 2 * PATIENCE)
    assert len(sandbox.registrations()) == COUNT
    assert writes(sandbox) == {"clearblade.device.create": COUNT, "balena.variable.create": 4 * COUNT}
    written = collections.Counter(each.name for each in cluster.audit.requests(since)
                                  if each.writes and each.resource == "balenadevices")
    assert written.keys() == {item["metadata"]["name"] for item in objects}
    # Its finalizer before the first write to a cloud, its status after the last.
    assert set(written.values()) == {2}
