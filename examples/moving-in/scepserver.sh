#!/bin/sh
# Brings in the CA of a scepserver depot (micromdm/scep).
#
#   scepserver.sh DEPOT ID [PROFILE]
#
# DEPOT holds ca.pem, ca.key, index.txt and the certificates as NAME.SERIAL.pem. Its CA signs itself and devices.
# ca.key is encrypted (Proc-Type: 4,ENCRYPTED): write its password into DEPOT/passphrase (0600), or be asked.
# The server is named by SIGNET_DATA, or by SIGNET_SERVER, SIGNET_TOKEN_FILE and SIGNET_CA.
set -eu
depot=$1 id=$2 profile=${3:-}

set -- --role issuing --key "$depot/ca.key" --chain "$depot/ca.pem" --certificates "$depot"
# Its index is that of openssl; a depot that never revoked may have none.
if [ -s "$depot/index.txt" ]; then set -- "$@" --index "$depot/index.txt"; fi
if [ -e "$depot/passphrase" ]; then set -- "$@" --passphrase-file "$depot/passphrase"; fi
if [ -n "$profile" ]; then set -- "$@" --profile "$profile"; fi

signet ca import "$id" "$@" --dry-run
# scepserver publishes no CRL, so no number of one is known: ours begins at the seconds since 1970.
signet ca import "$id" "$@"
