"""Calls PyScep as its README does: URL FOLDER VERB NAME [CHALLENGE]. Exit code 0 SUCCESS, 1 FAILURE, 3 PENDING."""
import sys
from pathlib import Path

from scep import Client
from scep.Client.enums import PKIStatus

USAGE = {"digital_signature", "key_encipherment"}
url, folder, verb = sys.argv[1:4]
client = Client.Client(url)
if verb == "getcacert":
    client.get_ca_capabilities()
    for certificate in client.get_ca_certs().certificates:
        print(certificate.subject.human_friendly)
    sys.exit(0)

name = sys.argv[4]
pem, self_signed, key_file, transaction, crl = (
    Path(folder) / f"{name}.{end}" for end in ("pem", "self", "key", "transaction", "crl")
)


def held():
    key = Client.PrivateKey.from_pem(key_file.read_bytes())
    return Client.Certificate.from_pem((pem if pem.exists() else self_signed).read_bytes()), key


def request(key, challenge):
    return Client.SigningRequest.generate_csr(cn=name, key_usage=USAGE, password=challenge or None, private_key=key)[0]


if verb == "enrol":
    identity, key = Client.SigningRequest.generate_self_signed(cn=name, key_usage=USAGE)
    self_signed.write_bytes(identity.to_pem())
    key_file.write_bytes(key.to_pem())
    result = client.enrol(csr=request(key, sys.argv[5]), identity=identity, identity_private_key=key)
else:
    identity, key = held()
    who = {"identity": identity, "identity_private_key": key}
    if verb == "renew":
        result = client.enrol(csr=request(key, None), **who)
    elif verb == "poll":
        result = client.poll(subject=identity.subject, transaction_id=transaction.read_text(), **who)
    elif verb == "getcert":
        result = client.get_cert(serial_number=identity.serial_number, **who)
    elif verb == "getcrl":
        result = client.get_crl(serial_number=identity.serial_number, **who)

if result.status == PKIStatus.FAILURE:
    print("FAILURE", result.fail_info)
    sys.exit(1)
if result.status == PKIStatus.PENDING:
    transaction.write_text(result.transaction_id)
    print("PENDING")
    sys.exit(3)
if result.crl:
    crl.write_bytes(result.crl.to_der())
else:
    pem.write_bytes(result.certificates[0].to_pem())
    print(result.certificates[0].subject.human_friendly)
