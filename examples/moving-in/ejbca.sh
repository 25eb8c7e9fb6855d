#!/bin/sh
# Brings in a CA that EJBCA ran with a soft token.
#
#   ejbca.sh FOLDER ID [PROFILE]
#
# On EJBCA's machine, export into FOLDER:
#
#   bin/ejbca.sh ca exportca --caname NAME -f ca.p12 -kspassword PASSWORD      # token and chain
#   bin/ejbca.sh ca getcrl --caname NAME -f ca.crl                             # the last full CRL
#   certificates: as files, one each, into certificates/ - from the database, where they are base64 of the DER:
#     mysql -N -e "select base64Cert from CertificateData where issuerDN='CN=NAME,...'" ejbca
#   (with -----BEGIN CERTIFICATE----- and -----END CERTIFICATE----- around each, all may stand in one file)
#
# A key in an HSM does not come out: keep that CA where it is, and make a new one here.
# The password stands in FOLDER/passphrase (0600), or is asked for.
# The server is named by SIGNET_DATA, or by SIGNET_SERVER, SIGNET_TOKEN_FILE and SIGNET_CA.
set -eu
folder=$1 id=$2 profile=${3:-}

set -- --pkcs12 "$folder/ca.p12" --crl "$folder/ca.crl"
if [ -e "$folder/certificates" ]; then set -- "$@" --certificates "$folder/certificates"; fi
if [ -e "$folder/passphrase" ]; then set -- "$@" --passphrase-file "$folder/passphrase"; fi
if [ -n "$profile" ]; then set -- "$@" --profile "$profile"; fi

signet ca import "$id" "$@" --dry-run
signet ca import "$id" "$@"
