#!/bin/sh
# Starts one service with what set-up left for it: whose statements are believed, and its own login to Vault.
set -eu
COUNTERSIGN_TRUSTED_KEYS=$(cat /run/keys/trusted-keys)
COUNTERSIGN_VAULT_ROLE_ID=$(cat /run/login/role-id)
COUNTERSIGN_VAULT_SECRET_ID_FILE=/run/login/secret-id
export COUNTERSIGN_TRUSTED_KEYS COUNTERSIGN_VAULT_ROLE_ID COUNTERSIGN_VAULT_SECRET_ID_FILE
exec node --import tsx "apps/$1/src/main.ts"
