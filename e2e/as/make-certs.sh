#!/bin/sh
# A CA and a server certificate for 127.0.0.1, with openssl: make-certs.sh DIRECTORY
set -eu
mkdir -p "$1"
cd "$1"
new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
# shellcheck disable=SC2086
openssl req -x509 $new_key -keyout ca.key -out ca.crt -days 2 -subj "/CN=e2e CA" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
# shellcheck disable=SC2086
openssl req $new_key -keyout server.key -out server.csr -subj "/CN=e2e server"
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >server.ext
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile server.ext
