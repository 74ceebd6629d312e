import { type SyncStore, openStateStore, openSyncStore } from '@countersign/adapter-sqlite';
import type { Authorization } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { type FoldLane, foldLane } from '@countersign/payment';
import type { Clock, EventStore, Notifier } from '@countersign/ports';
import type { StateOptions } from '@countersign/service-kit';
import { type SigningJournal, openSigningJournal } from '@countersign/signing/service';
import { Acts } from './acts.ts';
import { BudgetStores } from './budget-stores.ts';
import { AGENTS, CEILINGS, CHAIN_ID, KEYS, LANES, NETWORK, TRUSTED } from './cast.ts';
import { chainPort } from './chain-port.ts';
import { type SignedSubmission, SimChain, type Usage } from './chain.ts';
import { Checker, HOLDS_WITH_STOLEN } from './checker.ts';
import { Dice } from './dice.ts';
import { eventStorePort } from './event-store.ts';
import { EventTables } from './event-tables.ts';
import { foldWithBug } from './fold-bug.ts';
import { History } from './history.ts';
import { claimOf } from './invariants/claim.ts';
import { Vault, digestOfSubmission, statementKeyPort } from './keys.ts';
import { ACCOUNTS, isOwners } from './owners.ts';
import { logPort } from './log-port.ts';
import { FAILING, NO_PLANT, type Plant } from './plants.ts';
import { type Process, type Surroundings, startProcess } from './replica.ts';
import { type Party, Scheduler, newParty } from './scheduler.ts';
import { turnOf } from './turns.ts';
import { Weather } from './weather.ts';
import { Wire } from './wire.ts';

/** A Tuesday; nothing depends on which. */
const START_MS = 1_760_000_000_000;

/** A place where the product runs, through all the processes that live and die there. */
export interface Replica {
  readonly name: string;
  skewMs: number;
  process: Process;
}

/** How many records each lane had. */
export interface LogCopy {
  readonly control: number;
  readonly lanes: readonly number[];
  readonly archive: number;
}

/** Two runs of a group of seeds, and no more, as little else is promised then. */
const STOLEN: readonly World['stolen'][] = ['policy', 'approval'];
const GONE = { isAlive: false, isGone: true };

export interface WorldOptions {
  readonly seed: number;
  readonly replicas: number;
  readonly plant?: Plant;
  /** Checks these invariants only; all by default. */
  readonly only?: readonly string[];
}

/** Everything outside the product, and the product in it: one log, one budget store, one chain, several replicas. */
export class World {
  readonly options: WorldOptions;
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  store: SyncStore;
  events: EventTables;
  history: History;
  readonly chain: SimChain;
  readonly vault = new Vault();
  readonly acts: Acts;
  readonly checker: Checker;
  readonly budgets: BudgetStores;
  readonly replicas: Replica[];
  readonly ceiling: { readonly perPayment: bigint; readonly perDay: bigint };
  /** How long signers keep a revoked wallet's key at least. */
  readonly revokedKeyKeptMs: number;
  /** Whose statement key a thief has, in some runs. */
  readonly stolen: 'policy' | 'approval' | undefined;
  notifierIsOut = false;
  /** Until then nothing that is presented, by whomever, comes as far as the chain. */
  facilitatorsOutUntilMs = 0;
  eventStoreIsOut = false;
  /** `wallet/nonce` of what was signed with stolen keys: a nonce is one of its wallet. */
  readonly stolenUses = new Set<string>();
  /** Every authorization that a wallet signed, and every use of a nonce in a block, whatever the log holds of them now. */
  readonly signed: Authorization[] = [];
  readonly usages = new Map<string, Usage>();
  /** Nonces of what was signed by records that the log has lost. */
  readonly lostNonces = new Set<string>();
  readonly often: NonNullable<Plant['often']>;
  /** What decides when records are lost; undefined in a run where none are. */
  readonly losses: Dice | undefined;
  readonly #plant: Plant;
  /** Everybody's fold, with a bug in some runs. */
  readonly #fold: FoldLane;
  /** By replica; one for all where records get lost, as if each had learned of everything before. */
  readonly #journals = new Map<string, SigningJournal>();
  readonly #feeds = new Set<() => void>();
  /** Of every process since the log is what it is, the dead too: what they sent may still be under way. */
  readonly #parties = new Set<Party>();
  readonly #kept = new Map<string, StateOptions>();
  readonly #restoring: Dice;
  /** An older copy of the log was put back. */
  wasRestored = false;
  #logClockMs = 0;
  /** The stamp of a record that is put back. */
  #loadedMs: number | undefined;

  constructor(options: WorldOptions) {
    this.options = options;
    this.#plant = options.plant ?? NO_PLANT;
    const { seed } = options;
    const isFailing = !options.plant && turnOf(seed, 'failures') === 0;
    this.often = this.#plant.often ?? (isFailing ? FAILING : {});
    this.dice = new Dice(`seed ${seed}`);
    const isLow = this.often.lowCeilings ?? turnOf(seed, 'low ceilings') < 3;
    this.ceiling = CEILINGS[isLow ? 'low' : 'usual'];
    this.revokedKeyKeptMs = this.dice.fork('kept keys').pick([5_000, 60_000]);
    // In two of them a key may be stolen, and `restore` is not looked at.
    const hasLosses = this.often.restores ?? turnOf(seed, 'restore') < 3;
    this.losses = hasLosses ? this.dice.fork('restore') : undefined;
    this.scheduler = new Scheduler(this.dice.fork('scheduler'), START_MS);
    this.weather = new Weather(this.dice.fork('weather'), seed);
    const clock = {
      nowMs: () => this.scheduler.nowMs + this.#logClockMs,
      monotonicMs: () => this.scheduler.nowMs,
    };
    const hasBug = this.often.bugs ?? turnOf(seed, 'bug') < 2;
    this.#fold = hasBug ? foldWithBug(this.dice.fork('bug').pick(AGENTS)) : foldLane;
    this.store = this.#openStore(clock);
    this.events = this.#emptyEvents();
    this.history = new History(this.store, TRUSTED, this.#fold);
    this.acts = new Acts(() => this.history);
    this.chain = new SimChain(NETWORK, START_MS, {
      isGenuine: (submission) => this.#isGenuine(submission),
      accounts: { rules: ACCOUNTS, chainId: CHAIN_ID, verify: isOwners },
      dice: this.dice.fork('chain'),
    });
    this.stolen =
      this.#plant.stolen ?? (options.plant ? undefined : STOLEN[turnOf(seed, 'stolen key')]);
    const holds = this.stolen && HOLDS_WITH_STOLEN[this.stolen];
    this.checker = new Checker(this, options.only ?? holds);
    this.budgets = new BudgetStores({
      scheduler: this.scheduler,
      dice: this.dice.fork('budgets'),
      checker: this.checker,
      clock,
      reserve: this.#plant.reserve ?? ((it, request) => it.reserveNow(request)),
    });
    this.vault.onSignature = (signature) => {
      if (signature.meaning?.kind === 'transfer') this.signed.push(signature.meaning.authorization);
      this.checker.onSignature(signature);
    };
    this.vault.onDestroyed = (wallet) => this.checker.onDestroyed(wallet);
    this.chain.onUsage = (usage) => {
      this.usages.set(usage.transactionHash, usage);
      this.checker.onUsage(usage);
    };
    this.#restoring = this.dice.fork('restoring');
    const keeping = this.dice.fork('keeping');
    this.replicas = Array.from({ length: options.replicas }, (_, index) => {
      const name = `replica-${index}`;
      if (index % 2 === 1 || keeping.chance(0.5))
        this.#kept.set(name, {
          state: this.#plant.state?.(openStateStore(':memory:')) ?? openStateStore(':memory:'),
          saveEach: keeping.pick([1, 7, 60]),
        });
      return { name, skewMs: 0, process: this.#start(name, () => this.#skewOf(index)) };
    });
  }

  /** The process of a replica ends at once; another starts from the log, and from the state if the replica keeps it. */
  restart(replica: Replica): void {
    replica.process.party.isAlive = false;
    const index = this.replicas.indexOf(replica);
    replica.process = this.#start(replica.name, () => this.#skewOf(index));
  }

  /** A process that starts on perfect ports, such as one that only reads. */
  startAside(name: string): Process {
    return this.#start(name, () => 0);
  }

  /** Where every lane ends now, control too: what a copy of the log that is made now would hold. */
  copyLog(): LogCopy {
    const { control, archive, lanes } = this.history;
    const ends = lanes.map((lane) => lane.length);
    return { control: control.length, archive: archive.length, lanes: ends };
  }

  /**
   * An older copy takes the place of the log, by operators who stopped every process first: what is under way never
   * arrives, counters and the event store are empty, and kept folds are removed, if nobody forgets to.
   */
  restoreLog(copy: LogCopy): void {
    for (const party of this.#parties) Object.assign(party, GONE);
    this.#parties.clear();
    const held = [
      ...this.history.control.slice(0, copy.control),
      ...this.history.archive.slice(0, copy.archive),
      ...this.history.lanes.flatMap((lane, index) => lane.slice(0, copy.lanes[index] ?? 0)),
    ].map((seen) => seen.record);
    this.store = this.#openStore({
      nowMs: () => this.#loadedMs ?? this.scheduler.nowMs + this.#logClockMs,
      monotonicMs: () => this.scheduler.nowMs,
    });
    // Each lane's own order holds: within a lane no stamp goes back.
    for (const { stampMs, offset: _, ...record } of held.toSorted(
      (a, b) => a.stampMs - b.stampMs,
    )) {
      this.#loadedMs = stampMs;
      this.store.appendNow([record]);
    }
    this.#loadedMs = undefined;
    this.emptyEventStore();
    this.history = new History(this.store, TRUSTED, this.#fold);
    this.acts.forgetStops();
    this.checker.beginAnew();
    for (const authorization of this.signed)
      if (typeof claimOf(this.history, authorization) === 'string')
        this.lostNonces.add(authorization.nonce);
    // Who forgets to is told: a fold that is ahead of its log refuses to start.
    for (const kept of this.#kept.values()) if (this.#restoring.chance(0.7)) kept.state?.clear();
    this.wasRestored = true;
    this.budgets.lose();
    for (const replica of this.replicas) this.restart(replica);
  }

  emptyEventStore(): void {
    this.events = this.#emptyEvents();
  }

  #emptyEvents(): EventTables {
    return this.#plant.events?.() ?? new EventTables();
  }

  #openStore(clock: Clock): SyncStore {
    const bare = openSyncStore({ path: ':memory:', laneCount: LANES, logId: 'sim', clock });
    const store = this.#plant.store?.(bare) ?? bare;
    store.onCommit(() => {
      for (const feed of [...this.#feeds]) feed();
    });
    return store;
  }

  facilitatorsFail(): boolean {
    if (this.often.failures) return !this.weather.isCalm;
    return this.scheduler.nowMs < this.facilitatorsOutUntilMs;
  }

  setLogClock(offMs: number): void {
    this.#logClockMs = offMs;
  }

  /** Takes steps until `done` holds or a step breaks an invariant. */
  async run(done: () => boolean): Promise<void> {
    while (!done() && !this.checker.broken) {
      if (!(await this.scheduler.step())) return;
      this.checker.afterStep();
    }
  }

  /** Some replicas keep their fold from one life to the next and hold little of it in memory; others never do. */
  #stateOptions(name: string): StateOptions {
    const fold = this.#plant.fold?.(this.#fold, name) ?? this.#fold;
    return { ...this.#kept.get(name), fold };
  }

  /** As the token judges: where code stands it is asked, and elsewhere the key is. */
  #isGenuine(submission: SignedSubmission): boolean {
    const { from, signature } = submission;
    return this.chain.accounts.isAccount(from)
      ? this.chain.accounts.accepts(from, digestOfSubmission(CHAIN_ID, submission), signature)
      : this.vault.isGenuine(CHAIN_ID, submission);
  }

  #skewOf(index: number): number {
    return this.replicas[index]?.skewMs ?? 0;
  }

  #start(name: string, skewMs: () => number): Process {
    const party = newParty();
    this.#parties.add(party);
    const { scheduler, weather, dice, store, chain } = this;
    const wire = new Wire({ scheduler, weather, dice, party });
    const ownMs = () => scheduler.nowMs + skewMs();
    const log = logPort({
      ...{ store, wire, scheduler, weather, dice, party },
      onAppend: (input) => this.checker.onAppend(process, input, ownMs()),
      read: (lane, offset, max) => this.history.read(lane, offset, max),
      onCommit: (listener) => {
        this.#feeds.add(listener);
        return () => this.#feeds.delete(listener);
      },
      ...(this.#plant.distort && { distort: this.#plant.distort(name, this) }),
    });
    const bare: Surroundings = {
      log,
      budgets: this.budgets.port(party, wire),
      chain: chainPort({ chain, wire, weather, dice, isFailing: () => this.facilitatorsFail() }),
      notifier: this.#notifier(wire),
      wallets: this.vault.port(wire, weather),
      owners: this.vault.owners(wire, weather),
      accounts: ACCOUNTS,
      typedData: this.vault.typedData,
      journal: this.#journalOf(name),
      eventStore: this.#eventStore(wire),
      ceiling: this.ceiling,
      revokedKeyKeptMs: this.revokedKeyKeptMs,
      trusted: TRUSTED,
      keys: {
        intake: statementKeyPort(KEYS.intake, wire, weather),
        policy: statementKeyPort(KEYS.policy, wire, weather),
        approval: statementKeyPort(KEYS.approval, wire, weather),
        signer: statementKeyPort(KEYS.signer, wire, weather),
        settlement: statementKeyPort(KEYS.settlement, wire, weather),
        recorder: statementKeyPort(KEYS.recorder, wire, weather),
      },
    };
    const surroundings = this.#plant.surround?.(bare, this, ownMs) ?? bare;
    const onBug = (where: string, error: unknown) => {
      if (party.isAlive) this.checker.fail('bug', `${where}: ${textOf(error)}`);
    };
    const onStartFailed = (error: unknown) => {
      if (this.#isToBeCleared(name, error)) {
        this.weather.count('kept fold refused');
        this.#kept.get(name)?.state?.clear();
      } else if (!(error instanceof Fault && error.retryable)) onBug(`${name}: its start`, error);
      party.isAlive = false;
    };
    const onFolded: Checker['onFolded'] = (...folded) => this.checker.onFolded(...folded);
    const stateOptions = this.#stateOptions(name);
    const process = startProcess({
      ...{ name, party, scheduler, skewMs, surroundings, stateOptions },
      ...{ onBug, onFolded, onStartFailed },
    });
    return process;
  }

  #journalOf(replica: string): SigningJournal {
    const owner = this.losses ? 'all' : replica;
    const journal = this.#journals.get(owner) ?? openSigningJournal(undefined);
    this.#journals.set(owner, journal);
    return journal;
  }

  /** A fold of what the log has lost: the operators remove it once it has said so. */
  #isToBeCleared(name: string, error: unknown): boolean {
    const codes = ['log_shorter', 'log_changed'];
    return (
      this.wasRestored &&
      this.#kept.has(name) &&
      error instanceof Fault &&
      codes.includes(error.code)
    );
  }

  #eventStore(wire: Wire): EventStore {
    const code = 'event_store_unavailable';
    return eventStorePort({
      tables: () => this.events,
      isTorn: () => this.weather.strikes('insertTorn'),
      ask: (name, statement, reads = false) =>
        wire.call({
          ...{ name, code, reads },
          effect: () => {
            if (this.eventStoreIsOut) throw new Fault(code, 'it is out', { retryable: true });
            return statement();
          },
        }),
    });
  }

  #notifier(wire: Wire): Notifier {
    return {
      notify: ({ id }) =>
        wire.call({
          name: 'notify',
          code: 'notification_not_accepted',
          effect: () => {
            if (this.notifierIsOut)
              throw new Fault('notification_not_accepted', 'nobody answers', { retryable: true });
            this.acts.note(`told/${id}`);
          },
        }),
    };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
