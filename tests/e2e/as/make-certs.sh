#!/bin/sh
# Creates a CA, a server certificate for 127.0.0.1 and two client certificates with openssl: make-certs.sh DIRECTORY
set -eu
mkdir -p "$1"
cd "$1"
new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
# shellcheck disable=SC2086
openssl req -x509 $new_key -keyout ca.key -out ca.crt -days 2 -subj "/CN=e2e CA" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
for name in server client other; do
    # shellcheck disable=SC2086
    openssl req $new_key -keyout $name.key -out $name.csr -subj "/CN=e2e $name"
    printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >$name.ext
    openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out $name.crt -days 2 -extfile $name.ext
done
