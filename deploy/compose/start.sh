#!/bin/sh
# Starts one service with what set-up left for it: whose statements are believed, its own login to Vault, and the key that
# pays for settlement's gas if there is one.
set -eu
COUNTERSIGN_TRUSTED_KEYS=$(cat /run/keys/trusted-keys)
COUNTERSIGN_VAULT_ROLE_ID=$(cat /run/login/role-id)
COUNTERSIGN_VAULT_SECRET_ID_FILE=/run/login/secret-id
export COUNTERSIGN_TRUSTED_KEYS COUNTERSIGN_VAULT_ROLE_ID COUNTERSIGN_VAULT_SECRET_ID_FILE
if [ -s /run/login/gas-key ]; then export COUNTERSIGN_GAS_KEY_FILE=/run/login/gas-key; fi
exec node --import tsx "apps/$1/src/main.ts"
