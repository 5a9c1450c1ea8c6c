"""What goes wrong, as the SDK tells it."""

import pytest
import requests
from balena import exceptions
from sdk import log_in


def test_a_rate_limit_is_an_error_unless_the_caller_asked_to_wait(
        sandbox, token, balena, uuid, statuses):
    sandbox.fault("balena.device.get", type="status", status=429, retryAfter="0", count=1)
    with pytest.raises(exceptions.RequestError) as refused:
        balena.models.device.get(uuid)
    assert refused.value.status_code == 429
    sandbox.fault("balena.device.get", type="status", status=429, retryAfter="0", count=2)
    patient = log_in(token, retry_rate_limited_request=True)
    assert patient.models.device.get(uuid)["uuid"] == uuid
    assert statuses("balena.device.get") == {"429": 3, "200": 1}


def test_an_unknown_field_is_an_empty_500(balena):
    with pytest.raises(exceptions.RequestError) as refused:
        balena.models.device.get_all({"$select": "no_such_field"})
    assert (refused.value.status_code, refused.value.body) == (500, "")


def test_a_field_of_balenaclouds_closed_layer_can_be_absent_or_present(sandbox, balena, uuid):
    with pytest.raises(exceptions.RequestError) as refused:
        balena.models.device.get(uuid, {"$select": "is_frozen"})
    assert refused.value.status_code == 500
    sandbox.call("DELETE", "absent-fields/device.is_frozen")
    try:
        assert balena.models.device.get(uuid, {"$select": "is_frozen"}) == {"is_frozen": False}
    finally:
        sandbox.call("PUT", "absent-fields/device.is_frozen")


@pytest.mark.parametrize("path, status, body", [
    ("device?$filter=uuid%20eq", 400, "Malformed url"),
    ("device?$top=-1", 400, "Malformed url"),
    ("no_such_resource", 401, ""),
    ("device%281%29", 400, "Malformed url")])
def test_bad_urls_get_the_clouds_answers(balena, path, status, body):
    with pytest.raises(exceptions.RequestError) as refused:
        balena.pine.get({"url": path})
    assert refused.value.status_code == status
    assert body in refused.value.body and (body or not refused.value.body)


def test_a_write_whose_answer_is_lost_has_been_made(sandbox, balena, uuid, statuses):
    device_id = balena.models.device.get(uuid)["id"]
    sandbox.fault("balena.variable.create", type="reset", when="after", count=1)
    with pytest.raises(requests.ConnectionError):
        balena.pine.post({"resource": "device_environment_variable",
                          "body": {"device": device_id, "name": "NAME", "value": "v"}})
    assert sandbox.variable(uuid, "NAME") == "v"
    balena.models.device.env_var.set(device_id, "NAME", "w")
    assert statuses("balena.variable.create") == {"409": 1}
    assert balena.models.device.env_var.get(uuid, "NAME") == "w"


def test_a_patch_without_fields_is_refused(balena, uuid):
    with pytest.raises(exceptions.RequestError) as refused:
        balena.pine.patch({"resource": "device", "options": {"$filter": {"uuid": uuid}},
                           "body": {}})
    assert (refused.value.status_code, refused.value.body) == (400, '"No fields to update"')
