#!/bin/sh
# The API with nothing but curl: SERVER is an address, TOKEN a file with a token that may change.
set -eu
ask() { curl --fail-with-body --silent --show-error -H "Authorization: Bearer $(cat "$TOKEN")" "$@"; }

echo "Who am I?"
ask "$SERVER/api/v1/me"

echo; echo "Register a device; sent twice with one key, it is done once."
for _time in 1 2; do
  ask -X POST "$SERVER/api/v1/devices" \
    -H "Content-Type: application/json" -H "Idempotency-Key: example-1" \
    -d "{\"devices\": [{\"serial\": \"CURL-1\", \"device_type\": \"$KIND\"}]}"
done

echo; echo "Devices whose serial begins so, two fields of each."
ask -G "$SERVER/api/v1/devices" -d q=CURL -d fields=serial,state

echo; echo "All values that count, as a table."
ask "$SERVER/api/v1/measurements?format=csv" -o "$FOLDER/values.csv"
wc -l < "$FOLDER/values.csv"
