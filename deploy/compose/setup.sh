#!/bin/sh
# Topics, keys and roles, and for each service the login that only it can read. Doing it again is harmless.
set -eu
umask 077
node --import tsx apps/cli/src/main.ts setup --apply \
  --brokers kafka:9092 --lanes 8 --replication 1 --redis redis://redis:6379 \
  --vault http://vault:8200 --vault-token-file /run/vault/root-token --logins /tmp/logins > /tmp/said
cat /tmp/said
sh /run/trusted-keys.sh "$(sed -n 's/^COUNTERSIGN_TRUSTED_KEYS=//p' /tmp/said)" /run/keys/trusted-keys
# Secrets that come from variables stand beside the login: Docker gives none to a container that is read-only.
node -p '`http://countersign:${encodeURIComponent(process.env.CLICKHOUSE_PASSWORD)}@clickhouse:8123`' \
  > /run/logins/recorder/clickhouse-url
rm -f /run/logins/settlement/gas-key
if [ -n "$GAS_KEY" ]; then printf '%s' "$GAS_KEY" > /run/logins/settlement/gas-key; fi
for service in intake policy approval signer settlement alerting recorder; do
  cp "/tmp/logins/$service.role-id" "/run/logins/$service/role-id"
  cp "/tmp/logins/$service.secret-id" "/run/logins/$service/secret-id"
  chown -R 10001:10001 "/run/logins/$service"
done
