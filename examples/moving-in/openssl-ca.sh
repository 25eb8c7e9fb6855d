#!/bin/sh
# Brings in a CA that `openssl ca` ran.
#
#   openssl-ca.sh FOLDER ID [PROFILE]
#
# FOLDER holds what openssl.cnf names: cacert.pem, private/cakey.pem, newcerts/, index.txt, crlnumber.
# An encrypted key: write its passphrase into FOLDER/passphrase (0600), or be asked.
# The server is named by SIGNET_DATA, or by SIGNET_SERVER, SIGNET_TOKEN_FILE and SIGNET_CA.
set -eu
folder=$1 id=$2 profile=${3:-}

set -- --role issuing \
    --key "$folder/private/cakey.pem" --chain "$folder/cacert.pem" \
    --certificates "$folder/newcerts" --index "$folder/index.txt"
if [ -e "$folder/crlnumber" ]; then set -- "$@" --crlnumber "$folder/crlnumber"; fi
if [ -e "$folder/passphrase" ]; then set -- "$@" --passphrase-file "$folder/passphrase"; fi
if [ -n "$profile" ]; then set -- "$@" --profile "$profile"; fi

# Look first: it reads everything and changes nothing.
signet ca import "$id" "$@" --dry-run
signet ca import "$id" "$@"
