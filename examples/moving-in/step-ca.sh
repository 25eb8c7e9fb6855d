#!/bin/sh
# Brings in the intermediate CA of step-ca, and with its key the root.
#
#   step-ca.sh STEPPATH ID [CERTIFICATES [CRL]]
#
# STEPPATH holds certs/root_ca.crt, certs/intermediate_ca.crt and secrets/intermediate_ca_key (encrypted); its password
# stands in STEPPATH/secrets/password (0600), or is asked for. The database (badger, MySQL, PostgreSQL) is not read:
#
#   - certificates: step-ca keeps them in its table x509_certs only. From MySQL or PostgreSQL they come as DER:
#       psql -At -c "select encode(nvalue, 'hex') from x509_certs" | while read -r hex; do
#         echo "$hex" | xxd -r -p | openssl x509 -inform DER; done > certificates.pem
#     From badger, collect them where they are used. Without them the CA moves in all the same: its certificates stay
#     valid, but are not listed, and renew only after a first enrolment here.
#   - revocations: with "crl": {"enabled": true} in ca.json step-ca serves them:
#       curl -o step.crl http://ca.example.org/1.0/crl
# The server is named by SIGNET_DATA, or by SIGNET_SERVER, SIGNET_TOKEN_FILE and SIGNET_CA.
set -eu
step=$1 id=$2 certificates=${3:-} crl=${4:-}

password="$step/secrets/password"

# The root first, if its key is here: then it is a CA of ours, and its CRL is ours to sign.
if [ -e "$step/secrets/root_ca_key" ]; then
    set -- --role root --key "$step/secrets/root_ca_key" --chain "$step/certs/root_ca.crt"
    if [ -e "$password" ]; then set -- "$@" --passphrase-file "$password"; fi
    signet ca import "$id-root" "$@"
fi

set -- --key "$step/secrets/intermediate_ca_key" \
    --chain "$step/certs/intermediate_ca.crt" --chain "$step/certs/root_ca.crt"
if [ -e "$password" ]; then set -- "$@" --passphrase-file "$password"; fi
if [ -n "$certificates" ]; then set -- "$@" --certificates "$certificates"; fi
if [ -n "$crl" ]; then set -- "$@" --crl "$crl"; fi

signet ca import "$id" "$@" --dry-run
signet ca import "$id" "$@"
