import { alertingDuty } from '@countersign/alerting/service';
import { Approvals, approvalDuty } from '@countersign/approval/service';
import { EventArchive } from '@countersign/audit/service';
import { Intake, Sessions, Tasks } from '@countersign/intake/service';
import { Registry, policyDuty } from '@countersign/policy/service';
import type {
  Budgets,
  Chain,
  Clock,
  EventLog,
  EventStore,
  LogRecord,
  Notifier,
  StatementKey,
} from '@countersign/ports';
import {
  type Duty,
  type Folded,
  LaneHost,
  type Log,
  type StateOptions,
  type Timers,
  type TrustedKeys,
} from '@countersign/service-kit';
import { settlementDuty } from '@countersign/settlement/service';
import type { Ceiling } from '@countersign/signing';
import { type SigningJournal, signerDuty } from '@countersign/signing/service';
import type { OwnerKeys, SmartAccounts, TypedData, WalletKeys } from '@countersign/ports';
import type { Party, Scheduler } from './scheduler.ts';
import { NETWORK, type SigningService } from './cast.ts';

/** What one process of the product is given; the world decides how each behaves. */
export interface Surroundings {
  readonly log: EventLog;
  readonly budgets: Budgets;
  readonly chain: Chain;
  readonly notifier: Notifier;
  readonly wallets: WalletKeys;
  readonly owners: OwnerKeys;
  readonly accounts: SmartAccounts;
  readonly typedData: TypedData;
  readonly journal: SigningJournal;
  readonly eventStore: EventStore;
  readonly ceiling: Ceiling;
  readonly revokedKeyKeptMs: number;
  /** Whose statements it believes. */
  readonly trusted: TrustedKeys;
  readonly keys: Readonly<Record<SigningService, StatementKey>>;
}

/** One life of a replica's process: the real shell code on simulated surroundings. */
export interface Process {
  readonly name: string;
  readonly party: Party;
  readonly host: LaneHost;
  readonly intake: Intake;
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly approvals: Approvals;
  readonly registry: Registry;
  readonly archive: EventArchive;
  /** Positions of records that broke its fold, as operators were told. */
  readonly told: string[];
  /** Folded the log and took up its duties. */
  isUp: boolean;
}

export interface ProcessParts {
  readonly name: string;
  readonly party: Party;
  readonly scheduler: Scheduler;
  /** How far its clock is off. */
  readonly skewMs: () => number;
  readonly surroundings: Surroundings;
  /** The fold stopped, or work on a payment stopped: both are bugs. */
  readonly onBug: (where: string, error: unknown) => void;
  /** It cannot start, and ends. */
  readonly onStartFailed: (error: unknown) => void;
  readonly onFolded: (process: Process, record: LogRecord, folded: Folded) => void;
  /** Where it keeps its fold between lives, if it does. */
  readonly stateOptions: StateOptions;
}

const POLL_MS = 8_000;
/** How long a recorder gathers records. */
const GATHER_MS = 5_000;

/** Starts a process as apps/standalone does: put together, then folded, then every duty. */
export function startProcess(parts: ProcessParts): Process {
  const { name, party, surroundings, onBug } = parts;
  const { log: eventLog, keys, trusted } = surroundings;
  const shell = {
    host: new LaneHost(
      eventLog,
      trusted,
      (error) => onBug(`${name}: the fold`, error),
      parts.stateOptions,
    ),
    clock: clockOf(parts),
    timers: timersOf(parts),
    log: logOf(parts),
  };
  const { host, clock, timers } = shell;
  const process: Process = {
    name,
    party,
    host,
    intake: new Intake({ host, key: keys.intake, timers, clock }),
    tasks: new Tasks(host, keys.intake),
    sessions: new Sessions(host, keys.intake),
    approvals: new Approvals({ host, key: keys.approval, clock }),
    registry: new Registry(host, keys.policy),
    archive: archiveOf(shell, surroundings),
    told: [],
    isUp: false,
  };
  host.onSetAside((_, { lane, offset }) => process.told.push(`${lane}:${offset}`));
  host.onRecord((record, folded) => parts.onFolded(process, record, folded));
  const duties = dutiesOf(shell, surroundings);
  void host.start().then(
    () => {
      for (const duty of duties) duty.start();
      process.archive.work();
      process.isUp = true;
    },
    // It could not even read where the lanes end: as any process that cannot start, it ends and is started anew.
    (error: unknown) => parts.onStartFailed(error),
  );
  return process;
}

interface Shell {
  readonly host: LaneHost;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

function archiveOf(shell: Shell, { keys, trusted, eventStore }: Surroundings): EventArchive {
  const openStore = () => Promise.resolve(eventStore);
  return new EventArchive({ ...shell, key: keys.recorder, trusted, openStore, everyMs: GATHER_MS });
}

function dutiesOf(shell: Shell, surroundings: Surroundings): readonly { start(): void }[] {
  const { budgets, chain, notifier, wallets, owners, accounts, typedData, journal, keys, trusted } =
    surroundings;
  const pageUrl = 'http://sim/approve';
  const chains = new Map([[NETWORK, chain]]);
  const policy = policyDuty({ ...shell, budgets, key: keys.policy });
  const ceilingOf = () => surroundings.ceiling;
  const signer = signerDuty({
    ...shell,
    ...{ key: keys.signer, keys: wallets, owners, accounts, typedData, journal },
    ...{ chains, trusted, ceilingOf, revokedKeyKeptMs: surroundings.revokedKeyKeptMs },
  });
  const settlement = settlementDuty({
    ...shell,
    ...{ key: keys.settlement, chains, pollMs: POLL_MS },
  });
  const runners: Duty[] = [
    policy.runner,
    approvalDuty({ ...shell, key: keys.approval, notifier, pageUrl }),
    signer.runner,
    settlement.runner,
    alertingDuty({ ...shell, notifier, pageUrl }),
  ];
  const { marking, bookkeeping, enacting } = policy;
  const { guard, wallets: ownWallets } = signer;
  const { accounts: ownAccounts, outflows, facilitators } = settlement;
  const policys = [marking, bookkeeping, enacting];
  const ours = [...policys, guard, ownWallets, ownAccounts, outflows, facilitators];
  return [...ours, ...runners];
}

function clockOf({ scheduler, party, skewMs }: ProcessParts): Clock {
  const startedAtMs = scheduler.nowMs;
  let monotonicMs = 0;
  return {
    nowMs: () => scheduler.nowMs + skewMs(),
    monotonicMs() {
      const countedMs = scheduler.nowMs - startedAtMs - party.suspendedMs;
      monotonicMs = Math.max(monotonicMs, countedMs);
      return monotonicMs;
    },
  };
}

function timersOf({ scheduler, party }: ProcessParts): Timers {
  return { after: (delayMs, task) => scheduler.after(delayMs, 'timer', task, party) };
}

function logOf({ name, onBug }: ProcessParts): Log {
  return {
    info: () => {},
    warn: () => {},
    error: (fields, message) => {
      if ('err' in fields) onBug(`${name}: ${message}`, fields['err']);
    },
  };
}
