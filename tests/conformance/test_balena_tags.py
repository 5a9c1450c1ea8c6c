"""Device tags."""

import pytest
from balena import exceptions


def test_a_tag_is_set_read_listed_and_removed(balena, fleet, uuid):
    tags = balena.models.device.tags
    tags.set(uuid, "site", "north")
    tags.set(uuid, "level", "2")
    assert tags.get(uuid, "site") == "north"
    assert [each["tag_key"] for each in tags.get_all_by_device(uuid)] == ["level", "site"]
    assert len(tags.get_all_by_application(fleet)) == 2
    tags.remove(uuid, "site")
    assert tags.get(uuid, "site") is None and tags.get(uuid, "level") == "2"


def test_setting_one_that_exists_is_a_409_and_then_a_patch(balena, uuid, statuses):
    balena.models.device.tags.set(uuid, "site", "north")
    balena.models.device.tags.set(uuid, "site", "south")
    assert statuses("balena.tag.create") == {"201": 1, "409": 1}
    assert statuses("balena.tag.update") == {"200": 1}
    assert balena.models.device.tags.get(uuid, "site") == "south"


def test_devices_are_found_by_tag(sandbox, balena, fleet):
    north, south = sandbox.add_devices(2, fleet)
    balena.models.device.tags.set(north, "site", "north")
    balena.models.device.tags.set(south, "site", "south")
    found = balena.models.device.get_all_by_application(fleet, {
        "$select": "uuid",
        "$filter": {"device_tag": {"$any": {
            "$alias": "t", "$expr": {"t": {"tag_key": "site", "value": "north"}}}}}})
    assert [each["uuid"] for each in found] == [north]


def test_tags_take_what_variables_do_not(balena, uuid):
    balena.models.device.tags.set(uuid, "größe", "two\nlines")
    assert balena.models.device.tags.get(uuid, "größe") == "two\nlines"


@pytest.mark.parametrize("key, value, message", [
    ("two words", "v", "Tag keys cannot contain whitespace."),
    ("io.balena.x", "v", "Tag keys beginning with io.balena. are reserved."),
    ("io.resin.x", "v", "Tag keys beginning with io.resin. are reserved."),
    ("k" * 101, "v", "less than or equal to 100."),
    ("k", "v" * 10_001, "less than or equal to 10000.")],
    ids=["space", "io.balena", "io.resin", "long key", "long value"])
def test_bad_tags_are_refused_with_the_clouds_own_words(balena, uuid, key, value, message):
    with pytest.raises(exceptions.RequestError) as refused:
        balena.models.device.tags.set(uuid, key, value)
    assert refused.value.status_code == 400 and message in refused.value.body
    assert balena.models.device.tags.get_all_by_device(uuid) == []
