"""Makes the keys and certificates of the tests: estate.py FOLDER

For each name: NAME.key (PKCS#8, PEM), NAME.p8 (PKCS#8, DER), NAME.der (certificate)."""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID as N

folder = pathlib.Path(sys.argv[1])
START = datetime.datetime(2026, 1, 1)


def name(*attributes):
    rdns = []
    for item in attributes:
        several = item if isinstance(item, list) else [item]
        rdns.append(x509.RelativeDistinguishedName([x509.NameAttribute(kind, value) for kind, value in several]))
    return x509.Name(rdns)


def rsa_key(bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def make(label, key, subject, serial, issuer=None, issuer_key=None):
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .serial_number(serial)
        .public_key(key.public_key())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=7300))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(issuer_key or key, hashes.SHA256())
    )
    pkcs8 = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{label}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *pkcs8))
    (folder / f"{label}.p8").write_bytes(key.private_bytes(serialization.Encoding.DER, *pkcs8))
    (folder / f"{label}.der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))


recovery = name((N.COMMON_NAME, "ITLRECOVERY_pub"), (N.ORGANIZATIONAL_UNIT_NAME, "Voice"),
                (N.ORGANIZATION_NAME, "Acme, Inc."), (N.LOCALITY_NAME, "Zürich"),
                (N.STATE_OR_PROVINCE_NAME, "ZH"), (N.COUNTRY_NAME, "CH"))
odd = name((N.DOMAIN_COMPONENT, "example"), (N.STREET_ADDRESS, ' leading and trailing '),
           [(N.ORGANIZATION_NAME, '#hash'), (N.USER_ID, '<"a";b+c\\>')],
           (N.SERIAL_NUMBER, "FCH1234"), (N.EMAIL_ADDRESS, "a@example.org"),
           (N.COMMON_NAME, "電話"))
recovery_key = rsa_key(2048)

make("recovery", recovery_key, recovery, int("80" * 8, 16))
make("recovery-4096", rsa_key(4096), name((N.COMMON_NAME, "ITLRECOVERY_4096")), 0x7F00FF)
make("old", rsa_key(1024), name((N.COMMON_NAME, "Old"), (N.ORGANIZATION_NAME, "Acme")), 0x01)
make("odd-size", rsa_key(3072), name((N.COMMON_NAME, "RSA-3072")), 0x3072)
make("callmanager", rsa_key(2048), name((N.COMMON_NAME, "cucm-pub"), (N.ORGANIZATION_NAME, "Acme")), 0x0A0B0C,
     recovery, recovery_key)
make("odd-names", rsa_key(2048), odd, 0xDEADBEEF, recovery, recovery_key)
make("tvs", ec.generate_private_key(ec.SECP256R1()), name((N.COMMON_NAME, "TVS")), 0x20)
make("https", ec.generate_private_key(ec.SECP384R1()), name((N.COMMON_NAME, "cucm-pub-EC")), 0x80)
# The recovery signer's name and serial number, and another key.
make("impostor", rsa_key(2048), recovery, int("80" * 8, 16))
make("device", rsa_key(2048), name((N.COMMON_NAME, "SEP001122334455")), 0x1234567890, recovery, recovery_key)
make("device-ec", ec.generate_private_key(ec.SECP256R1()), name((N.COMMON_NAME, "SEP001122334456")), 0x99,
     recovery, recovery_key)
