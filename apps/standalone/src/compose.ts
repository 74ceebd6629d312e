import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evmChain } from '@countersign/adapter-evm';
import { smartAccounts } from '@countersign/adapter-evm/account';
import { typedData } from '@countersign/adapter-evm/typed-data';
import { type Keystore, openKeystore } from '@countersign/adapter-keystore';
import { openStateStore, openStore } from '@countersign/adapter-sqlite';
import { terminalNotifier, webhookNotifier } from '@countersign/adapter-webhook';
import { Metrics, startTracing } from '@countersign/hosting/telemetry';
import { InvariantViolation } from '@countersign/kernel';
import { ensureOwner } from '@countersign/policy/service';
import type { Chain, EventStore, Notifier } from '@countersign/ports';
import { type Log, systemClock, systemTimers } from '@countersign/service-kit';
import { openSigningJournal } from '@countersign/signing/service';
import type { Settings } from './config.ts';
import { startServices } from './services.ts';

/** The only tenant of a standalone process. */
const TENANT = 'default';

export interface Standalone {
  readonly url: string;
  /** File with the credential of the person who may do everything, made at the first start. */
  readonly ownerCredentialFile: string;
  close(): Promise<void>;
}

/**
 * Every service in one process, on one SQLite file, a local keystore and the configured chains: the very modules the
 * separate apps host, on other adapters.
 *
 * @param onFatal told when the log or the fold can no longer be trusted; the process must end.
 */
export async function startStandalone(
  settings: Settings,
  log: Log,
  onFatal: (error: unknown) => void,
): Promise<Standalone> {
  const folder = settings.COUNTERSIGN_DATA_DIR;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const tracing = await startTracing('standalone', settings);
  const laneCount = settings.COUNTERSIGN_LANES;
  const store = openStore({ path: join(folder, 'countersign.db'), laneCount, clock: systemClock });
  if (!store.log.capabilities.durable) throw new InvariantViolation('signing needs a durable log');
  void store.death.then(onFatal);
  const state = openStateStore(join(folder, 'fold.db'));
  if (settings.COUNTERSIGN_VERIFY_AT_START === 'yes') state.clear();
  const journal = openSigningJournal(join(folder, 'signer.journal'));
  const keystore = await openKeystore({
    folder: join(folder, 'keys'),
    passphraseFile: join(folder, 'keys.passphrase'),
  });
  const chains = chainsOf(settings);
  const ceiling = ceilingOf(settings);
  const services = await startServices({
    eventLog: store.log,
    state,
    budgets: store.budgets,
    wallets: keystore.wallets,
    owners: keystore.owners,
    accounts: smartAccounts,
    typedData,
    journal,
    keys: {
      intake: await keystore.statementKey('intake'),
      policy: await keystore.statementKey('policy'),
      approval: await keystore.statementKey('approval'),
      signer: await keystore.statementKey('signer'),
      settlement: await keystore.statementKey('settlement'),
      alerting: await keystore.statementKey('alerting'),
      recorder: await keystore.statementKey('recorder'),
    },
    chains,
    tokens: new Map([...chains.keys()].map((network) => [network, settings.COUNTERSIGN_TOKENS])),
    notifier: await notifierOf(settings, keystore),
    ...eventStoreOf(settings, store.log.logId),
    ceilingOf: () => ceiling,
    revokedKeyKeptMs: settings.COUNTERSIGN_REVOKED_KEY_KEPT_HOURS * 3_600_000,
    pollMs: settings.COUNTERSIGN_POLL_MS,
    clock: systemClock,
    timers: systemTimers,
    log,
    telemetry: { metrics: new Metrics('standalone'), isTraced: tracing !== undefined },
    onFatal,
  });
  await services.app.listen(settings.COUNTERSIGN_PORT, settings.COUNTERSIGN_HOST);
  const url = await services.app.getUrl();
  await services.work(`${settings.COUNTERSIGN_PUBLIC_URL ?? url}/approve`);
  const ownerCredentialFile = join(folder, 'owner.credential');
  await ensureOwner(services, TENANT, ownerCredentialFile);
  return {
    url,
    ownerCredentialFile,
    async close() {
      await services.close();
      state.close();
      await store.close();
      journal.close();
      await keystore.wallets.close();
      await tracing?.close();
    },
  };
}

function ceilingOf(settings: Settings) {
  return {
    perPayment: BigInt(settings.COUNTERSIGN_CEILING_PER_PAYMENT),
    perDay: BigInt(settings.COUNTERSIGN_CEILING_PER_DAY),
  };
}

/** How the event store is opened, if there is one. The engine is loaded only then: it is large, and no payment needs it. */
function eventStoreOf(settings: Settings, logId: string) {
  if (settings.COUNTERSIGN_EVENT_STORE === 'off') return {};
  const urlFile = settings.COUNTERSIGN_CLICKHOUSE_URL_FILE;
  const folder = join(settings.COUNTERSIGN_DATA_DIR, 'events');
  const openEventStore = async (): Promise<EventStore> => {
    const clickhouse = await import('@countersign/adapter-clickhouse');
    if (urlFile === undefined) return clickhouse.openEventStore({ logId, folder });
    const url = readFileSync(urlFile, 'utf8').trim();
    return clickhouse.openEventStore({ logId, url });
  };
  return { openEventStore };
}

function chainsOf(settings: Settings): ReadonlyMap<string, Chain> {
  const gasKeyFile = settings.COUNTERSIGN_GAS_KEY_FILE;
  return new Map(
    settings.COUNTERSIGN_CHAINS.map(({ network, rpcUrl }) => [
      network,
      evmChain({ network, rpcUrl, ...(gasKeyFile !== undefined && { gasKeyFile }) }),
    ]),
  );
}

async function notifierOf(settings: Settings, keystore: Keystore): Promise<Notifier> {
  const url = settings.COUNTERSIGN_WEBHOOK_URL;
  if (url === undefined) return terminalNotifier(process.stderr);
  const signingKey = await keystore.statementKey('alerting');
  const allowPrivate = settings.COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE === 'yes';
  return webhookNotifier({ url, signingKey, timeoutMs: 5_000, allowPrivate });
}
