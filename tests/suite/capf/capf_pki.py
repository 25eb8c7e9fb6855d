"""Throw-away manufacturing roots and the MICs and SUDIs of devices. Arguments: FOLDER NAME [WHAT …]; writes PEM files.

Without WHAT: root.pem, mic.pem, mic.key, ec-mic.pem, ec-mic.key, sudi.pem, sudi.key for the device NAME (model CP-8865).
WHAT is one of these by name: expired, early, ca, stranger (of a root that is nowhere configured), forged (names the root,
signed by another key), other (of the device SEPFFFFFFFFFFFF), suffix (the CN has no hyphen before the name), weak (RSA-1024).
"""
import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def named(common_name):
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Phones"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ])


def rsa_key(size=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def certificate(subject, key, issuer, issuer_key, ca=False, begins=NOW - 30 * DAY, ends=NOW + 3650 * DAY):
    usage = dict.fromkeys(
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only".split(), False)
    usage |= {"key_cert_sign": True, "crl_sign": True} if ca else {"digital_signature": True}
    builder = x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def write(folder, name, made, key):
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(key.private_bytes(*form))


def root_of(folder):
    """The root of this folder, made when it is first asked for."""
    if not (folder / "root.pem").exists():
        key = rsa_key()
        write(folder, "root", certificate("Phone Manufacturing CA", key, "Phone Manufacturing CA", key, ca=True), key)
    return serialization.load_pem_private_key((folder / "root.key").read_bytes(), None)


def device(folder, what, name):
    signer, key, issuer, more = root_of(folder), None, "Phone Manufacturing CA", {}
    subject = f"CP-8865-{name}"
    if what == "expired":
        more = {"begins": NOW - 800 * DAY, "ends": NOW - DAY}
    elif what == "early":
        more = {"begins": NOW + 2 * DAY}
    elif what == "ca":
        more = {"ca": True}
    elif what == "stranger":
        signer, issuer = rsa_key(), "Stranger CA"
    elif what == "forged":
        signer = rsa_key()
    elif what == "other":
        subject = "CP-8865-SEPFFFFFFFFFFFF"
    elif what == "suffix":
        subject = f"CP-8865{name}"
    elif what == "weak":
        key = rsa_key(1024)
    elif what == "ec-mic":
        key = ec.generate_private_key(ec.SECP256R1())
    elif what not in ("mic", "sudi"):
        sys.exit(f"{what}: no such kind")
    key = key or rsa_key()
    write(folder, what, certificate(subject, key, issuer, signer, **more), key)


if __name__ == "__main__":
    place, device_name, kinds = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    place.mkdir(parents=True, exist_ok=True)
    for kind in kinds or ["mic", "ec-mic", "sudi"]:
        device(place, kind, device_name)
