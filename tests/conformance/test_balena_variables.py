"""A device's variables, of all its services and of one: where the operator writes."""

import threading

import pytest
from balena import exceptions
from sdk import log_in

ABSENT = "0123456789abcdef0123456789abcdef"


class Level:
    """Device variables and service variables by the same four calls."""

    def __init__(self, client, uuid, service):
        api = client.models.device.service_var if service else client.models.device.env_var
        where = (uuid, service) if service else (uuid,)
        self.set = lambda name, value: api.set(*where, name, value)
        self.get = lambda name: api.get(*where, name)
        self.remove = lambda name: api.remove(*where, name)
        self.of_device = lambda: api.get_all_by_device(uuid)
        self.of_fleet = api.get_all_by_application


@pytest.fixture(params=[None, "relay"], ids=["device", "service"])
def service(request):
    return request.param


@pytest.fixture
def level(balena, uuid, service):
    return Level(balena, uuid, service)


def by_name(variables):
    return {each["name"]: each["value"] for each in variables}


def test_a_variable_is_set_read_listed_and_removed(sandbox, fleet, uuid, service, level):
    level.set("GCP_PROJECT_ID", "my-project")
    assert level.get("GCP_PROJECT_ID") == "my-project"
    assert sandbox.variable(uuid, "GCP_PROJECT_ID", service) == "my-project"
    assert by_name(level.of_device()) == {"GCP_PROJECT_ID": "my-project"}
    assert by_name(level.of_fleet(fleet)) == {"GCP_PROJECT_ID": "my-project"}
    level.remove("GCP_PROJECT_ID")
    assert level.get("GCP_PROJECT_ID") is None
    assert level.of_device() == [] and level.of_fleet(fleet) == []


def test_setting_one_that_exists_is_a_409_and_then_a_patch(level, statuses):
    level.set("GCP_PROJECT_ID", "one")
    assert statuses("balena.variable.create") == {"201": 1}
    level.set("GCP_PROJECT_ID", "two")
    assert statuses("balena.variable.create") == {"201": 1, "409": 1}
    assert statuses("balena.variable.update") == {"200": 1}
    assert level.get("GCP_PROJECT_ID") == "two"
    assert len(level.of_device()) == 1


def test_removing_one_that_is_not_there_is_fine(level, statuses):
    level.remove("NEVER_SET")
    assert statuses("balena.variable.delete") == {"200": 1}


def test_an_update_touches_no_other_row(sandbox, balena, fleet, service):
    uuids = sandbox.add_devices(3, fleet)
    levels = [Level(balena, uuid, service) for uuid in uuids]
    for number, each in enumerate(levels):
        each.set("NAME", str(number))
        each.set("OTHER", str(number))
    levels[1].set("NAME", "changed")
    levels[2].remove("NAME")
    assert [each.get("NAME") for each in levels] == ["0", "changed", None]
    assert [each.get("OTHER") for each in levels] == ["0", "1", "2"]


def test_services_have_variables_of_their_own(balena, uuid):
    variables = balena.models.device.service_var
    variables.set(uuid, "relay", "NAME", "of relay")
    variables.set(uuid, "main", "NAME", "of main")
    balena.models.device.env_var.set(uuid, "NAME", "of all")
    assert variables.get(uuid, "relay", "NAME") == "of relay"
    assert variables.get(uuid, "main", "NAME") == "of main"
    variables.remove(uuid, "relay", "NAME")
    assert variables.get(uuid, "relay", "NAME") is None
    assert variables.get(uuid, "main", "NAME") == "of main"
    assert balena.models.device.env_var.get(uuid, "NAME") == "of all"


def test_a_service_is_named_by_its_id_too(balena, fleet, uuid):
    services = balena.models.service.get_all_by_application(fleet)
    relay = next(each["id"] for each in services if each["service_name"] == "relay")
    device_id = balena.models.device.get(uuid)["id"]
    balena.models.device.service_var.set(device_id, relay, "NAME", "v")
    assert balena.models.device.service_var.get(uuid, "relay", "NAME") == "v"
    balena.models.device.service_var.remove(uuid, relay, "NAME")
    assert balena.models.device.service_var.get_all_by_device(uuid) == []


@pytest.mark.parametrize("value", [
    "", " leading and trailing ", "it's 100 % &?#+=/\\;:,()$", "\"quoted\"", "tab\there",
    "Zürich €  日本 😀", "x" * 100_000],
    ids=["empty", "spaces", "signs", "quotes", "tab", "letters", "longest"])
def test_values_come_back_as_they_were(level, value):
    level.set("NAME", value)
    assert level.get("NAME") == value
    level.set("NAME", value + "!" if len(value) < 100_000 else value)
    assert level.get("NAME").startswith(value)


@pytest.mark.parametrize("name, value, message", [
    ("WITH-DASH", "v", "can only contain alphanumeric characters and underscores."),
    ("1ST", "v", "can only contain alphanumeric characters and underscores."),
    ("GRÜSSE", "v", "can only contain alphanumeric characters and underscores."),
    ("BALENA", "v", "Environment variables RESIN, BALENA, USER are reserved"),
    ("BALENA_X", "v", "beginning with RESIN_, BALENA_ are reserved."),
    ("NAME", "two\nlines", "Variable values cannot contain line break characters"),
    ("NAME", "x" * 100_001, "less than or equal to 100000.")],
    ids=["dash", "digit", "umlaut", "reserved", "prefix", "line break", "too long"])
def test_bad_variables_are_refused_with_the_clouds_own_words(level, name, value, message):
    with pytest.raises(exceptions.RequestError) as refused:
        level.set(name, value)
    assert refused.value.status_code == 400
    assert refused.value.body.startswith('"') and message in refused.value.body
    assert level.of_device() == []


def test_too_large_a_body_is_refused_by_the_server_itself(level):
    with pytest.raises(exceptions.RequestError) as refused:
        level.set("NAME", "x" * 600_000)
    assert refused.value.status_code == 413 and "<html" in refused.value.body.lower()


def test_an_unknown_service_or_one_without_a_release_is_not_found(sandbox, balena, fleet, uuid):
    with pytest.raises(exceptions.ServiceNotFound):
        balena.models.device.service_var.set(uuid, "relais", "NAME", "v")
    unreleased = f"{fleet}-unreleased"
    sandbox.post("fleets", slug=unreleased, services=["relay"], release=False)
    waiting = sandbox.add_devices(1, unreleased)[0]
    with pytest.raises(exceptions.ServiceNotFound):
        balena.models.device.service_var.set(waiting, "relay", "NAME", "v")
    sandbox.call("PATCH", f"fleets/{unreleased}", {"release": True})
    balena.models.device.service_var.set(waiting, "relay", "NAME", "v")
    assert balena.models.device.service_var.get(waiting, "relay", "NAME") == "v"


def test_a_device_that_is_not_there_has_no_variables(sandbox, balena, fleet):
    with pytest.raises(exceptions.DeviceNotFound):
        balena.models.device.env_var.set(ABSENT, "NAME", "v")
    with pytest.raises(exceptions.ServiceNotFound):
        balena.models.device.service_var.set(ABSENT, "relay", "NAME", "v")
    with pytest.raises(exceptions.RequestError) as refused:
        balena.models.device.env_var.set(2147483647, "NAME", "v")
    assert refused.value.status_code == 409
    assert refused.value.body == '"Data is referenced by device."'
    own = log_in(sandbox.post("tokens", name="narrow", fleets=[fleet])["token"])
    with pytest.raises(exceptions.RequestError) as refused:
        own.models.device.env_var.set(2147483647, "NAME", "v")
    assert (refused.value.status_code, refused.value.body) == (401, "")


def test_of_eight_that_set_one_variable_at_once_one_creates_it(token, uuid, service, statuses):
    clients = [Level(log_in(token), uuid, service) for _ in range(8)]
    threads = [threading.Thread(target=client.set, args=("NAME", str(number)))
               for number, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses("balena.variable.create") == {"201": 1, "409": 7}
    assert statuses("balena.variable.update") == {"200": 7}
    assert len(clients[0].of_device()) == 1
    assert clients[0].get("NAME") in map(str, range(8))


def test_config_variables_keep_to_their_own_names(balena, uuid):
    config = balena.models.device.config_var
    config.set(uuid, "BALENA_SUPERVISOR_POLL_INTERVAL", "900000")
    config.set(uuid, "BALENA_SUPERVISOR_POLL_INTERVAL", "600000")
    assert config.get(uuid, "BALENA_SUPERVISOR_POLL_INTERVAL") == "600000"
    assert balena.models.device.env_var.get_all_by_device(uuid) == []
    config.remove(uuid, "BALENA_SUPERVISOR_POLL_INTERVAL")
    assert config.get_all_by_device(uuid) == []


def test_a_device_reads_its_own_secrets_and_nobody_elses(sandbox, balena, fleet):
    own, other = sandbox.add_devices(2, fleet)
    for each in (own, other):
        balena.models.device.service_var.set(each, "relay", "GCP_PRIVATE_KEY", f"key of {each}")
    device = log_in(sandbox.post("tokens", kind="device", device=own)["token"])
    assert device.models.device.service_var.get(own, "relay", "GCP_PRIVATE_KEY") == f"key of {own}"
    with pytest.raises(exceptions.DeviceNotFound):
        device.models.device.service_var.get(other, "relay", "GCP_PRIVATE_KEY")
