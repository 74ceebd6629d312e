import type { Authorization } from '@countersign/contracts';
import type {
  AppendInput,
  Book,
  LogRecord,
  ReserveRequest,
  ReserveResult,
} from '@countersign/ports';
import type { Folded } from '@countersign/service-kit';
import type { Usage } from './chain.ts';
import type { Seen } from './history.ts';
import { agency } from './invariants/agency.ts';
import { agreement } from './invariants/agreement.ts';
import { archive } from './invariants/archive.ts';
import { authority, quorum } from './invariants/authority.ts';
import { belief } from './invariants/belief.ts';
import { breaker } from './invariants/breaker.ts';
import { budgets } from './invariants/budgets.ts';
import { ceilings } from './invariants/ceilings.ts';
import { evidence } from './invariants/evidence.ts';
import { handover } from './invariants/handover.ts';
import type { Invariant, MakeInvariant } from './invariants/invariant.ts';
import { liveness } from './invariants/liveness.ts';
import { money } from './invariants/money.ts';
import { outflows } from './invariants/outflows.ts';
import { patience } from './invariants/patience.ts';
import { quarantine } from './invariants/quarantine.ts';
import { replay } from './invariants/replay.ts';
import { revocation } from './invariants/revocation.ts';
import { restore } from './invariants/restore.ts';
import { sessions } from './invariants/sessions.ts';
import { single } from './invariants/single.ts';
import { skew } from './invariants/skew.ts';
import { stops } from './invariants/stops.ts';
import type { Signature } from './keys.ts';
import type { Process } from './replica.ts';
import type { World } from './world.ts';

/** By name; the number is the one by which comments name it. */
const INVARIANTS: Readonly<Record<string, MakeInvariant>> = {
  /** 1 and 8 */
  authority,
  /** 1, whoever has approval's key */
  quorum,
  /** 2 */
  single,
  /** 3 */
  budgets,
  /** 4 */
  evidence,
  /** 5 */
  stops,
  /** 6 */
  replay,
  /** 7 */
  agreement,
  /** The event store is the log up to the last cut. */
  archive,
  /** 1: from the signer's own configuration, whatever the log says. */
  ceilings,
  /** 10 */
  agency,
  /** On the chain, a purchase moves money once. */
  money,
  /** What is not in the log and leaves a wallet freezes it. */
  outflows,
  /** Nothing is signed on a log that has lost records before people accepted that. */
  restore,
  /** Whoever's record breaks the fold is set aside, and nobody else. */
  quarantine,
  /** At the end, nothing is stuck. */
  liveness,
  handover,
  /** A revoked wallet signs nothing, and its key is gone when nothing needs it any more. */
  revocation,
  /** What a person gave for a time is over after it. */
  sessions,
  /** What loosens waits. */
  patience,
  /** What loosened and did not wait, nobody signs under. */
  belief,
  /** Whose clock is not the chain's signs nothing. */
  skew,
  /** What the chain does not take from us is not sent on and on. */
  breaker,
};

/** Whichever service's key it is. */
const HOLDS_ANYHOW = [
  'bug',
  'ceilings',
  'single',
  'agreement',
  'archive',
  'quarantine',
  'belief',
  'revocation',
  'handover',
  'skew',
] as const;

/**
 * What holds all the same once somebody has a service's key: a wallet loses its ceiling at most, and by nothing but
 * recorded authorizations; nobody disagrees about what happened, and no key is destroyed in haste.
 */
export const HOLDS_WITH_STOLEN = {
  policy: HOLDS_ANYHOW,
  approval: [...HOLDS_ANYHOW, 'quorum'],
} as const;

export interface Broken {
  readonly invariant: string;
  readonly account: string;
  readonly step: number;
}

/** Hands everything that happens to every invariant, and keeps the first that broke. */
export class Checker {
  broken: Broken | undefined;
  readonly #world: World;
  readonly #only: readonly string[] | undefined;
  #all: Invariant[] = [];

  constructor(world: World, only?: readonly string[]) {
    this.#world = world;
    this.#only = only;
    this.#all = this.#make();
  }

  /** Judges another log from its first record on. */
  beginAnew(): void {
    this.#all = this.#make();
    this.afterStep();
  }

  #make(): Invariant[] {
    return Object.entries(INVARIANTS)
      .filter(([name]) => !this.#only || this.#only.includes(name))
      .map(([name, make]) => make(this.#world, (account) => this.fail(name, account)));
  }

  fail(invariant: string, account: string): void {
    if (this.#only && !this.#only.includes(invariant)) return;
    this.broken ??= { invariant, account, step: this.#world.scheduler.steps };
  }

  /** Reads the log's news and lets every invariant judge them. */
  afterStep(): void {
    for (const seen of this.#world.history.catchUp()) this.#onRecord(seen);
    for (const it of this.#all) it.onStep?.();
  }

  onAppend(process: Process, input: AppendInput, nowMs: number): void {
    for (const it of this.#all) it.onAppend?.(process, input, nowMs);
  }

  onSignature(signature: Signature): void {
    for (const it of this.#all) it.onSignature?.(signature);
  }

  onDestroyed(wallet: string): void {
    for (const it of this.#all) it.onDestroyed?.(wallet);
  }

  onBearer(paymentId: string, authorization: Authorization, signature: string): void {
    for (const it of this.#all) it.onBearer?.(paymentId, authorization, signature);
  }

  onReserve(request: ReserveRequest, result: ReserveResult): void {
    for (const it of this.#all) it.onReserve?.(request, result);
  }

  onCommit(tenant: string, paymentId: string): void {
    for (const it of this.#all) it.onCommit?.(tenant, paymentId);
  }

  onRelease(tenant: string, paymentId: string): void {
    for (const it of this.#all) it.onRelease?.(tenant, paymentId);
  }

  onRebuild(book: Book): void {
    for (const it of this.#all) it.onRebuild?.(book);
  }

  onUsage(usage: Usage): void {
    for (const it of this.#all) it.onUsage?.(usage);
  }

  onFolded(process: Process, record: LogRecord, folded: Folded): void {
    for (const it of this.#all) it.onFolded?.(process, record, folded);
  }

  atEnd(): void {
    for (const it of this.#all) it.atEnd?.();
  }

  #onRecord(seen: Seen): void {
    const { event, applied, code } = seen;
    this.#world.scheduler.note(`${event?.name ?? 'bytes'} ${applied ? 'applied' : code}`);
    for (const it of this.#all) it.onRecord?.(seen);
  }
}
