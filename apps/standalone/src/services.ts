import { alertingDuty } from '@countersign/alerting/service';
import { ApprovalModule, approvalDuty } from '@countersign/approval/service';
import { type Metrics, traceFold } from '@countersign/hosting/telemetry';
import { AuditModule, EventArchive } from '@countersign/audit/service';
import { SERVICES, type Service } from '@countersign/contracts';
import { IntakeModule } from '@countersign/intake/service';
import { PolicyModule, Registry, policyDuty } from '@countersign/policy/service';
import type {
  Budgets,
  Chain,
  Clock,
  EventLog,
  EventStore,
  Notifier,
  OwnerKeys,
  SmartAccounts,
  StateStore,
  StatementKey,
  TypedData,
  WalletKeys,
} from '@countersign/ports';
import {
  type Duty,
  LaneHost,
  type Log,
  type Probes,
  type Timers,
  type TrustedKeys,
  createHttpApp,
  tellSetAside,
} from '@countersign/service-kit';
import { tracedCalls } from '@countersign/service-kit/tracing';
import { SettlementModule, settlementDuty } from '@countersign/settlement/service';
import { type SignerParts, type SigningJournal, signerDuty } from '@countersign/signing/service';

/** How long records are gathered before they go to the event store. */
const GATHER_MS = 1_000;

/** Everything the services need, bound to one family of adapters. */
export interface ServicePorts {
  readonly eventLog: EventLog;
  /** Where the fold is kept between starts; without it every start folds the whole log. Closed by its owner. */
  readonly state?: StateStore;
  readonly budgets: Budgets;
  readonly wallets: WalletKeys;
  readonly owners: OwnerKeys;
  readonly accounts: SmartAccounts;
  readonly typedData: TypedData;
  readonly journal: SigningJournal;
  /** Each service's own key. */
  readonly keys: Readonly<Record<Service, StatementKey>>;
  readonly chains: ReadonlyMap<string, Chain>;
  /** Tokens whose balances are shown, by network. */
  readonly tokens: ReadonlyMap<string, readonly string[]>;
  readonly notifier: Notifier;
  /** Opens the event store, late; without one there is no search. */
  readonly openEventStore?: () => Promise<EventStore>;
  readonly ceilingOf: SignerParts['ceilingOf'];
  /** How long the key of a revoked wallet is kept at least. */
  readonly revokedKeyKeptMs: number;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** What Prometheus is told, and whether there are traces; without it nothing is counted. */
  readonly telemetry?: { readonly metrics: Metrics; readonly isTraced: boolean };
  /** Told when the log or the fold can no longer be trusted; the process must end. */
  readonly onFatal: (error: unknown) => void;
}

/** Runs on its own, beside the debts of payments. */
interface Watch {
  start(): void;
  stop(): void;
}

export type Services = Awaited<ReturnType<typeof startServices>>;

/**
 * All services in one process: folded up to the log's end, listening to nobody yet and owing nothing yet.
 * `work(pageUrl)` takes up their duties; `close()` ends them in the order that loses nothing.
 */
export async function startServices(ports: ServicePorts) {
  const { clock, timers, log, keys, budgets, telemetry } = ports;
  const trusted = pinned(keys);
  const chains = new Map(
    [...ports.chains].map(([network, chain]) => [network, tracedCalls('chain', chain)]),
  );
  const host = hostOf(ports, trusted);
  const registry = new Registry(host, keys.policy);
  const archive = archiveOf(ports, host, trusted);
  if (ports.openEventStore) telemetry?.metrics.watchArchive(archive);
  const app = await createHttpApp(
    host,
    [
      IntakeModule.with({ host, key: keys.intake, timers, clock }),
      PolicyModule.with({ host, budgets, registry, clock }),
      ApprovalModule.with({ host, key: keys.approval, clock }),
      SettlementModule.with({ host, chains, tokens: ports.tokens, clock }),
      AuditModule.with({ host, archive, key: keys.recorder, trusted, timers, log }),
    ],
    log,
    telemetry && probesOf(telemetry),
  );
  const shell = { host, clock, timers, log, ...(telemetry && { meter: telemetry.metrics.meter }) };
  const policy = policyDuty({ ...shell, budgets, key: keys.policy });
  const signer = signerDuty({
    ...shell,
    ...{ key: keys.signer, chains, trusted },
    keys: tracedCalls('keystore', ports.wallets),
    owners: tracedCalls('keystore', ports.owners),
    accounts: ports.accounts,
    typedData: ports.typedData,
    journal: ports.journal,
    ceilingOf: ports.ceilingOf,
    revokedKeyKeptMs: ports.revokedKeyKeptMs,
  });
  const { pollMs } = ports;
  const settlement = settlementDuty({ ...shell, key: keys.settlement, chains, pollMs });
  const runners: Duty[] = [policy.runner, signer.runner, settlement.runner];
  const { accounts, outflows, facilitators } = settlement;
  const { marking, bookkeeping, enacting } = policy;
  const { guard, wallets } = signer;
  const ours = [wallets, accounts, outflows, facilitators];
  const watches: Watch[] = [marking, bookkeeping, enacting, guard, ...ours];
  await host.start();
  telemetry?.metrics.caughtUp();

  async function work(pageUrl: string): Promise<void> {
    const { notifier } = ports;
    runners.push(
      approvalDuty({ ...shell, key: keys.approval, notifier, pageUrl }),
      alertingDuty({ ...shell, notifier, pageUrl }),
    );
    for (const watch of watches) watch.start();
    for (const runner of runners) runner.start();
    archive.work();
    for (const service of SERVICES) await registry.announceKey(service, keys[service]);
  }

  async function close(): Promise<void> {
    await app.close();
    for (const watch of watches) watch.stop();
    await Promise.all(runners.map((runner) => runner.stop()));
    await archive.close();
    await host.close();
  }

  return { app, host, registry, archive, work, close };
}

/** The fold of the log, counted and traced where that is wanted. */
function hostOf(ports: ServicePorts, trusted: TrustedKeys): LaneHost {
  const { eventLog, state, onFatal, clock, telemetry, log: lines } = ports;
  const log = telemetry?.metrics.timed(eventLog) ?? eventLog;
  const host = new LaneHost(log, trusted, onFatal, { threads: true, ...(state && { state }) });
  tellSetAside(host, lines);
  telemetry?.metrics.watch(host);
  if (telemetry?.isTraced) traceFold(host, { clock });
  return host;
}

/** One process that writes whatever it reads is always current. */
function probesOf({ metrics, isTraced }: NonNullable<ServicePorts['telemetry']>): Probes {
  return {
    current: () => Promise.resolve(),
    isReady: () => Promise.resolve(true),
    metrics: () => metrics.text(),
    isTraced,
    answered: (request) => metrics.answered(request),
  };
}

function archiveOf(ports: ServicePorts, host: LaneHost, trusted: TrustedKeys): EventArchive {
  const { clock, timers, log, keys, openEventStore: openStore } = ports;
  const parts = { host, key: keys.recorder, trusted, clock, timers, log };
  return new EventArchive({ ...parts, openStore, everyMs: GATHER_MS });
}

/** Whose statements this process believes. */
function pinned(keys: ServicePorts['keys']): TrustedKeys {
  return new Map(
    SERVICES.map((service) => {
      const { keyId, publicKey } = keys[service];
      return [keyId, { service, publicKey }];
    }),
  );
}
