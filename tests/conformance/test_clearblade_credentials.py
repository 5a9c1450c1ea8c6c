"""A registration's public keys, and what a device may do with the private ones."""

import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from keys import Bridge, certificate, ec_key, public_pem, rsa_key
from sdk import INVALID, Registry, credential, refusal


@pytest.fixture
def devices(registry):
    return Registry(registry)


@pytest.fixture
def bridge(sandbox, registry):
    return Bridge(sandbox, registry)


def key_texts(device):
    return [each["publicKey"]["key"] for each in device.credentials]


@pytest.mark.parametrize("form, make_key, show", [
    ("ES256_PEM", ec_key, public_pem), ("RSA_PEM", rsa_key, public_pem),
    ("ES256_X509_PEM", ec_key, certificate), ("RSA_X509_PEM", rsa_key, certificate)])
def test_a_device_publishes_with_the_key_whose_public_half_is_registered(
        devices, bridge, form, make_key, show):
    key = make_key()
    text = show(key)
    made = devices.create("dev-1", [credential(text, form)])
    for device in (made, devices.get("dev-1"), devices.list()[0]):
        [registered] = device.credentials
        assert registered["publicKey"]["format"].value == form
        assert registered["publicKey"]["key"] == text
        assert registered["expirationTime"] == ""
    assert bridge.publish("dev-1", key) == 204
    assert bridge.publish("dev-1", make_key()) == 401
    assert devices.get("dev-1").last_event_time != ""


@pytest.mark.parametrize("form, text", [
    ("ES256_PEM", "no PEM"), ("ES256_PEM", ""), ("RSA_PEM", public_pem(ec_key())),
    ("ES256_PEM", public_pem(ec_key(ec.SECP384R1))), ("ES256_X509_PEM", public_pem(ec_key())),
    ("UNSPECIFIED_PUBLIC_KEY_FORMAT", public_pem(ec_key()))],
    ids=["no PEM", "empty", "not RSA", "other curve", "no certificate", "no format"])
def test_bad_keys_are_refused(devices, form, text):
    good = public_pem(ec_key())
    devices.create("dev-1", [credential(good)])
    assert refusal(devices.create("dev-2", [credential(text, form)])) == INVALID
    assert refusal(devices.patch("dev-1", "credentials", [credential(text, form)])) == INVALID
    assert devices.ids() == ["dev-1"] and key_texts(devices.get("dev-1")) == [good]


def test_keys_are_rotated_by_adding_the_new_and_then_dropping_the_old(devices, bridge):
    old, new = ec_key(), ec_key()
    devices.create("dev-1", [credential(public_pem(old))])
    both = devices.patch("dev-1", "credentials",
                         [credential(public_pem(old)), credential(public_pem(new))])
    assert key_texts(both) == [public_pem(old), public_pem(new)]
    assert bridge.publish("dev-1", old) == 204 and bridge.publish("dev-1", new) == 204
    after = devices.patch("dev-1", "credentials", [credential(public_pem(new))])
    assert key_texts(after) == [public_pem(new)]
    assert bridge.publish("dev-1", old) == 401 and bridge.publish("dev-1", new) == 204


def test_a_patch_without_credentials_in_its_mask_leaves_them(devices):
    text = public_pem(ec_key())
    devices.create("dev-1", [credential(text)])
    assert key_texts(devices.patch("dev-1", "metadata", [], meta_data={"k": "v"})) == [text]
    assert key_texts(devices.patch("dev-1", "credentials", [])) == []


def test_what_was_read_can_be_written_back(devices, bridge):
    keys = [ec_key(), ec_key()]
    devices.create("dev-1", [credential(public_pem(keys[0]), expires="2099-01-01T00:00:00Z")])
    read = devices.get("dev-1")
    devices.patch("dev-1", "credentials", read.credentials + [credential(public_pem(keys[1]))])
    read = devices.get("dev-1")
    assert key_texts(read) == [public_pem(key) for key in keys]
    assert [each["expirationTime"] for each in read.credentials] == ["2099-01-01T00:00:00Z", ""]
    assert [bridge.publish("dev-1", key) for key in keys] == [204, 204]


def test_three_keys_fit_and_a_fourth_does_not(devices):
    texts = [public_pem(ec_key()) for _ in range(4)]
    devices.create("dev-1", [credential(text) for text in texts[:3]])
    four = [credential(text) for text in texts]
    assert refusal(devices.patch("dev-1", "credentials", four)) == INVALID
    assert refusal(devices.create("dev-2", four)) == INVALID
    assert key_texts(devices.get("dev-1")) == texts[:3]


def test_an_expired_key_stays_listed_and_opens_nothing(devices, bridge):
    key = ec_key()
    past = datetime.datetime(2020, 1, 1)
    devices.create("dev-1", [credential(public_pem(key), expires=past)])
    assert devices.get("dev-1").credentials[0]["expirationTime"] == "2020-01-01T00:00:00Z"
    assert bridge.publish("dev-1", key) == 401
    devices.patch("dev-1", "credentials",
                  [credential(public_pem(key), expires=datetime.datetime(2099, 1, 1))])
    assert bridge.publish("dev-1", key) == 204


def test_an_expiry_that_is_no_time_is_refused(devices):
    bad = credential(public_pem(ec_key()), expires="tomorrow")
    assert refusal(devices.create("dev-1", [bad])) == INVALID


def test_a_blocked_device_is_refused_whatever_its_key(devices, bridge):
    key = ec_key()
    devices.create("dev-1", [credential(public_pem(key))])
    devices.patch("dev-1", "blocked", blocked=True)
    assert bridge.publish("dev-1", key) == 403
    devices.patch("dev-1", "blocked", blocked=False)
    assert bridge.publish("dev-1", key) == 204
