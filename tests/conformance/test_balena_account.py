"""Who a token is, and what a bad one gets."""

import pytest
from balena import exceptions
from sdk import log_in


def new_token(sandbox, **token):
    return sandbox.post("tokens", **token)["token"]


def test_a_user_key_is_a_user(balena):
    me = balena.auth.whoami()
    assert me["actorType"] == "user"
    assert me["username"] == "sandbox" and "@" in me["email"]
    info = balena.auth.get_user_info()
    assert info["id"] == me["actorTypeId"] and info["actor"] == me["id"]
    assert balena.auth.get_actor_id() == me["id"]


def test_a_device_key_is_a_device(sandbox, balena, uuid):
    key = log_in(new_token(sandbox, kind="device", device=uuid))
    me = key.auth.whoami()
    assert (me["actorType"], me["uuid"]) == ("device", uuid)
    device = balena.models.device.get(uuid)
    assert me["actorTypeId"] == device["id"]
    assert me["id"] == device["actor"]["__id"]


def test_a_provisioning_key_is_a_fleet(sandbox, fleet):
    me = log_in(new_token(sandbox, kind="provisioning", fleets=[fleet])).auth.whoami()
    assert (me["actorType"], me["slug"]) == ("application", fleet)


def test_a_password_gives_a_session(balena):
    balena.auth.logout()
    balena.auth.login(username="sandbox", password="sandbox")
    assert balena.auth.get_token().count(".") == 2, "a JWT"
    assert balena.auth.is_logged_in()
    with pytest.raises(exceptions.LoginFailed):
        balena.auth.login(username="sandbox", password="wrong")


def test_an_unknown_token_is_nobody():
    stranger = log_in("0" * 32)
    assert not stranger.auth.is_logged_in()
    with pytest.raises(exceptions.NotLoggedIn):
        stranger.auth.whoami()


def test_a_revoked_and_an_expired_token_are_nobody(sandbox):
    revoked = new_token(sandbox, allFleets=True)
    assert log_in(revoked).auth.is_logged_in()
    sandbox.call("DELETE", f"tokens/{revoked}")
    assert not log_in(revoked).auth.is_logged_in()
    expired = new_token(sandbox, allFleets=True, expires="2020-01-01T00:00:00Z")
    assert not log_in(expired).auth.is_logged_in()


def test_a_bad_token_is_refused_devices_with_an_empty_401(uuid):
    with pytest.raises(exceptions.RequestError) as refused:
        log_in("0" * 32).models.device.get(uuid)
    assert (refused.value.status_code, refused.value.body) == (401, "")


def test_a_bad_token_finds_no_fleet_rather_than_being_refused(fleet, statuses):
    with pytest.raises(exceptions.ApplicationNotFound):
        log_in("0" * 32).models.application.get(fleet)
    assert statuses("balena.fleet.list") == {"200": 1}


def test_a_key_of_one_fleet_does_not_see_another(sandbox, fleet, uuid):
    other = log_in(new_token(sandbox, name="other", fleets=["acme/sensors"]))
    assert not other.models.application.has(fleet)
    assert not other.models.device.has(uuid)
    own = log_in(new_token(sandbox, name="own", fleets=[fleet]))
    assert own.models.device.get(uuid)["uuid"] == uuid
    assert [each["slug"] for each in own.models.application.get_all()] == [fleet]


def test_a_key_is_listed_without_its_secret(sandbox):
    token = new_token(sandbox, name="listed", allFleets=True)
    keys = log_in(token).models.api_key.get_all()
    assert "listed" in [key["name"] for key in keys]
    assert token not in str(keys)
