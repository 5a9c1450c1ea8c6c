"""Key pairs, certificates and the devices' tokens."""

import base64
import datetime
import time

import jwt
import loopback
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def ec_key(curve=ec.SECP256R1):
    return ec.generate_private_key(curve())


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def certificate(key, subject="a device", issuer=None):
    """A certificate as PEM; `issuer`: name and key, absent for a self-signed one."""
    issuer_name, issuer_key = issuer or (subject, key)
    now = datetime.datetime.now(datetime.timezone.utc)

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    made = (x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer_name))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .sign(issuer_key, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM).decode()


class Bridge:
    """The HTTP bridge of a registry, as a device speaks to it."""

    def __init__(self, sandbox, registry_path):
        self.system_key = next(each["systemKey"] for each in sandbox.get("registries")["registries"]
                               if each["path"] == registry_path)

    def token(self, device, key, lifetime=3600):
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        now = int(time.time())
        return jwt.encode({"sk": self.system_key, "uid": device, "ut": 3, "iat": now,
                           "exp": now + lifetime}, key, algorithm)

    def _post(self, device, method, body, key):
        return requests.post(
            f"https://{loopback.CLEARBLADE_REGION}/api/v/4/webhook/execute/{self.system_key}"
            f"/cloudiotdevice_devices?name={device}&method={method}",
            headers={"ClearBlade-UserToken": self.token(device, key)}, json=body).status_code

    def publish(self, device, key, data=b"{}"):
        return self._post(device, "publishEvent",
                          {"binaryData": base64.b64encode(data).decode()}, key)

    def set_state(self, device, key, data):
        return self._post(device, "setState",
                          {"state": {"binaryData": base64.b64encode(data).decode()}}, key)
