#!/bin/sh
# Runs Vault, and opens it by itself whenever it starts. What opens it, and the token that may do everything, lie in the
# volume beside what it holds: whoever reads that has every key. It is for trying out.
set -eu
umask 077
folder=${VAULT_FOLDER:-/vault/file}
mkdir -p "$folder/data"

open() {
  # 0 and 2, made or not, are answers; 1 is none yet.
  until vault operator init -status > /dev/null 2>&1 || [ $? -eq 2 ]; do
    kill -0 $$ || return 1
    sleep 1
  done
  if ! vault operator init -status > /dev/null; then
    vault operator init -key-shares=1 -key-threshold=1 > "$folder/made"
    sed -n 's/^Unseal Key 1: //p' "$folder/made" > "$folder/key"
    sed -n 's/^Initial Root Token: //p' "$folder/made" > "$folder/root-token"
  fi
  if [ ! -s "$folder/key" ] || [ ! -s "$folder/root-token" ]; then
    echo 'What opens this Vault was not kept. To begin anew, without anything: docker compose down -v' >&2
    return 1
  fi
  vault operator unseal "$(cat "$folder/key")" > /dev/null
}

# Beside the server, which takes this process: signals reach it, and nobody else. One that stays closed ends.
(open || kill -TERM $$) &
exec vault server -config="${VAULT_CONFIG:-/run/vault.hcl}"
