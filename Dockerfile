# One image for every service, the standalone process and the command: which of them it is, is the command's path.
#
#     docker build --target services -t countersign:0.1.0 .
#     docker run countersign:0.1.0 apps/intake/src/main.ts --check-config
#
# `--target standalone` also holds chDB, ClickHouse's engine in process: half a gigabyte, which the services do without
# when a ClickHouse server keeps the event store.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY . .
# Only what runs: no development dependencies, no sandbox, no install scripts.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --include-workspace-root \
      -w apps/intake -w apps/policy -w apps/approval -w apps/signer -w apps/settlement \
      -w apps/alerting -w apps/recorder -w apps/standalone -w apps/cli

FROM packages AS lean
RUN rm -rf node_modules/chdb node_modules/@chdb

FROM node:24.21.0-bookworm-slim AS runtime
# npm and yarn are for building; nothing is installed in what runs.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
 && mkdir -p /var/lib/countersign && chown 10001:10001 /var/lib/countersign
ENV NODE_ENV=production
WORKDIR /app
USER 10001:10001
# The root file system may be read-only: what is written goes to /var/lib/countersign, and compiled code to /tmp.
VOLUME ["/var/lib/countersign"]
EXPOSE 8080
ENTRYPOINT ["node", "--import", "tsx"]

FROM runtime AS standalone
ENV COUNTERSIGN_DATA_DIR=/var/lib/countersign COUNTERSIGN_HOST=0.0.0.0 COUNTERSIGN_PORT=8080
COPY --from=packages --chown=0:0 /app /app
CMD ["apps/standalone/src/main.ts"]

FROM runtime AS services
ENV COUNTERSIGN_STATE_DIR=/var/lib/countersign COUNTERSIGN_HOST=0.0.0.0 COUNTERSIGN_PORT=8080
COPY --from=lean --chown=0:0 /app /app
CMD ["--version"]
