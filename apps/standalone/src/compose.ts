import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alertingDuty } from '@countersign/alerting/service';
import { evmChain } from '@countersign/adapter-evm';
import { typedData } from '@countersign/adapter-evm/typed-data';
import { openKeystore } from '@countersign/adapter-keystore';
import { openStore } from '@countersign/adapter-sqlite';
import { firstAccepting, terminalNotifier, webhookNotifier } from '@countersign/adapter-webhook';
import { ApprovalModule, approvalDuty } from '@countersign/approval/service';
import { AuditModule } from '@countersign/audit/service';
import { IntakeModule } from '@countersign/intake/service';
import { tenantOf } from '@countersign/payment';
import { PolicyModule, Registry, newCredential, policyDuty } from '@countersign/policy/service';
import type { Chain, Notifier, StatementKey } from '@countersign/ports';
import {
  type DebtRunner,
  LaneHost,
  type Log,
  createHttpApp,
  systemClock,
  systemTimers,
} from '@countersign/service-kit';
import { SettlementModule, settlementDuty } from '@countersign/settlement/service';
import { openSigningJournal, signerDuty } from '@countersign/signing/service';
import type { Settings } from './config.ts';

/** The only tenant of a standalone process. */
const TENANT = 'default';
const OWNER = 'owner';

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
  const [clock, timers] = [systemClock, systemTimers];
  const store = openStore({
    path: join(folder, 'countersign.db'),
    laneCount: settings.COUNTERSIGN_LANES,
    clock,
  });
  if (!store.log.capabilities.durable) throw new Error('signing needs a durable log');
  const keystore = await openKeystore({
    folder: join(folder, 'keys'),
    passphraseFile: join(folder, 'keys.passphrase'),
  });
  const [policyKey, approvalKey, signerKey, settlementKey] = await Promise.all([
    keystore.statementKey('policy'),
    keystore.statementKey('approval'),
    keystore.statementKey('signer'),
    keystore.statementKey('settlement'),
  ]);
  const trusted = pinned({
    policy: policyKey,
    approval: approvalKey,
    signer: signerKey,
    settlement: settlementKey,
  });
  const host = new LaneHost(store.log, trusted, onFatal);
  const chains = chainsOf(settings);
  const registry = new Registry(host, policyKey);
  const journal = openSigningJournal(join(folder, 'signer.journal'));
  let pageUrl =
    settings.COUNTERSIGN_PUBLIC_URL ??
    `http://${settings.COUNTERSIGN_HOST}:${settings.COUNTERSIGN_PORT}`;
  const notifier = await notifierOf(settings, keystore.statementKey('alerting'));
  const shell = { host, clock, timers, log };

  const app = await createHttpApp(
    host,
    [
      IntakeModule.with({ host, timers }),
      PolicyModule.with({ host, budgets: store.budgets, registry }),
      ApprovalModule.with({ host, key: approvalKey, clock }),
      SettlementModule.with({
        host,
        chains,
        tokens: new Map(
          [...chains.keys()].map((network) => [network, settings.COUNTERSIGN_TOKENS]),
        ),
      }),
      AuditModule.with({ host }),
    ],
    log,
  );
  await host.start();
  await app.listen(settings.COUNTERSIGN_PORT, settings.COUNTERSIGN_HOST);
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  pageUrl = settings.COUNTERSIGN_PUBLIC_URL ?? url;

  const ceiling = {
    perPayment: BigInt(settings.COUNTERSIGN_CEILING_PER_PAYMENT),
    perDay: BigInt(settings.COUNTERSIGN_CEILING_PER_DAY),
  };
  const page = `${pageUrl}/approve`;
  const policy = policyDuty({ ...shell, budgets: store.budgets, key: policyKey });
  const signer = signerDuty({
    ...shell,
    keys: keystore.wallets,
    typedData,
    journal,
    chains,
    key: signerKey,
    trusted,
    ceilingOf: () => ceiling,
  });
  const runners: DebtRunner[] = [
    policy.runner,
    approvalDuty({ ...shell, key: approvalKey, notifier, pageUrl: page }),
    signer.runner,
    settlementDuty({ ...shell, key: settlementKey, chains, pollMs: settings.COUNTERSIGN_POLL_MS }),
    alertingDuty({ ...shell, notifier, pageUrl: page }),
  ];
  policy.marking.start();
  signer.wallets.start();
  for (const runner of runners) runner.start();
  await registry.announceKey('policy', policyKey);
  await registry.announceKey('approval', approvalKey);
  await registry.announceKey('signer', signerKey);
  await registry.announceKey('settlement', settlementKey);
  const ownerCredentialFile = join(folder, 'owner.credential');
  await ensureOwner(host, registry, ownerCredentialFile);

  return {
    url,
    ownerCredentialFile,
    async close() {
      await app.close();
      policy.marking.stop();
      signer.wallets.stop();
      await Promise.all(runners.map((runner) => runner.stop()));
      await host.close();
      await store.close();
      journal.close();
      await keystore.wallets.close();
    },
  };
}

/** The first person, who may do everything; written to a file of its own, for this machine's operator. */
async function ensureOwner(host: LaneHost, registry: Registry, file: string): Promise<void> {
  if (tenantOf(host.control, TENANT).people.has(OWNER)) return;
  const credential = newCredential('person');
  if (!existsSync(file)) writeFileSync(file, `${credential}\n`, { mode: 0o600, flag: 'wx' });
  const by = { tenant: TENANT, person: OWNER };
  const { readFile } = await import('node:fs/promises');
  const kept = (await readFile(file, 'utf8')).trim();
  await registry.addPerson(by, OWNER, ['approver', 'operator', 'policy_author', 'auditor'], kept);
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

async function notifierOf(settings: Settings, key: Promise<StatementKey>): Promise<Notifier> {
  const terminal = terminalNotifier((text) => process.stderr.write(text));
  const url = settings.COUNTERSIGN_WEBHOOK_URL;
  if (url === undefined) return terminal;
  const allowPrivate = settings.COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE === 'yes';
  const webhook = webhookNotifier({ url, signingKey: await key, timeoutMs: 5_000, allowPrivate });
  return firstAccepting([webhook]);
}

/** Whose statements this process believes. */
function pinned(keys: Readonly<Record<string, StatementKey>>) {
  return new Map(
    Object.entries(keys).map(([service, { keyId, publicKey }]) => [keyId, { service, publicKey }]),
  );
}
