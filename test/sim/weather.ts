/**
 * Where the simulation has each fault:
 *
 * | fault                                                    | where                                              |
 * | -------------------------------------------------------- | -------------------------------------------------- |
 * | calls lost, late or repeated; records twice or again     | below: `requestLost` to `redelivery`               |
 * | processes killed, suspended past every time-out, cut off | below: `crash`, `pause`, `cutOff`                  |
 * | duty held by several at once                             | always: every replica has every duty               |
 * | clocks that are wrong, the log's too                     | below: `skew`, `logClock`                          |
 * | records undecodable, misplaced, repeated, forged         | `actors/outsider.ts`, `actors/forgeries.ts`        |
 * | counters lost or stale                                   | below: `budgetsLost`, and `budget-stores.ts`       |
 * | a log that is an older copy of itself, kept folds ahead  | `actors/misfortune.ts`: `restoreAtWork`            |
 * | nodes silent, wrong, behind; reorganisations             | below: `rpcError` to `transactionLost`, `reorg`    |
 * | facilitators that fail                                   | below: `facilitatorsOut`                           |
 * | keys and notifiers out of reach                          | below: `keysOut`, `notifierOut`                    |
 * | a wallet's key, or an account's, stolen                  | below: `theft`, `taking`                           |
 * | transfers of nothing that anybody can make               | below: `poisoning`                                 |
 * | the key of policy or of approval stolen                  | `actors/stolen-key.ts`, in some runs               |
 * | recorders that die, sleep and repeat between cuts        | every replica has one: `event-store.ts`            |
 * | the event store out of reach, an insert half done        | below: `eventStoreOut`, `insertTorn`               |
 * | an event store that did not keep what it took            | below: `eventStoreEmptied`                         |
 * | rotation, revocation, stops, changes that wait           | `actors/operators.ts`                              |
 * | a record that breaks the fold, in every process           | `fold-bug.ts`, in some runs                        |
 *
 * Not here: brokers and Redis that fail over (`test/fault`); growth and other regions.
 */
import type { Dice } from './dice.ts';
import { turnOf } from './turns.ts';

/** What can go wrong, each with its probability (per call, or per look at the sky) in bad weather. */
const WORST = {
  /** A call is lost before it takes effect. */
  requestLost: 0.03,
  /** A call takes effect, and its answer is lost. */
  answerLost: 0.03,
  /** A call takes effect much later than others. */
  callSlow: 0.05,
  /** An append stands in the log twice. */
  appendTwice: 0.03,
  /** A subscriber gets records again that it had. */
  redelivery: 0.05,
  /** A replica stands still for longer than any time-out, then goes on. */
  pause: 0.25,
  /** A replica's process ends; another starts from the log alone. */
  crash: 0.25,
  /** A replica reaches neither log nor keys, chain or budgets for a while, and does not know it. */
  cutOff: 0.15,
  /** A replica's clock is set wrong. */
  skew: 0.15,
  /** The log's own clock jumps. */
  logClock: 0.1,
  /** The node of a chain does not answer, or answers for another chain. */
  rpcError: 0.08,
  /** The node of a chain is blocks behind. */
  rpcLag: 0.1,
  /** The node takes a transaction, and loses it. */
  transactionLost: 0.2,
  /** Whoever brings transfers to the chain takes them, and loses them for a while: sellers' facilitators, and our node. */
  facilitatorsOut: 0.03,
  /** Keys cannot be reached. */
  keysOut: 0.02,
  /** The budget server is lost, with what was written last or with all. */
  budgetsLost: 0.3,
  /** Nobody takes notifications. */
  notifierOut: 0.5,
  /** The event store cannot be reached, or can again. */
  eventStoreOut: 0.25,
  /** An insert ends between the records and what is summed up from them. */
  insertTorn: 0.1,
  /** The event store turns out not to have kept what it took, and is empty. */
  eventStoreEmptied: 0.04,
  /** The chain drops blocks that are not final. */
  reorg: 0.15,
  /** Somebody has a wallet's key, and takes money with it. */
  theft: 0.3,
  /** Somebody has the key that owns an account, and gives the account to another one. */
  taking: 0.08,
  /** A stranger has a token log a transfer of nothing from a wallet. */
  poisoning: 0.3,
  /** The HTTP answer to an agent or person is lost. */
  clientLost: 0.08,
} as const;

export type FaultKind = keyof typeof WORST;
export const FAULT_KINDS = Object.keys(WORST) as readonly FaultKind[];

/**
 * Which faults this run has, and how often. Each seed leaves some out: faults hide behind each other. Of a group of seeds
 * two leave a kind out, and one has it as often as can be.
 */
export class Weather {
  readonly counts = new Map<string, number>();
  readonly #dice: Dice;
  readonly #odds = new Map<FaultKind, number>();
  #isCalm = true;

  constructor(dice: Dice, seed: number) {
    this.#dice = dice;
    const harshness = dice.pick([0.3, 1, 1, 2]);
    for (const kind of FAULT_KINDS) {
      const drawn = WORST[kind] * harshness * dice.next();
      const turn = turnOf(seed, kind);
      this.#odds.set(kind, turn === 0 ? WORST[kind] : turn < 3 ? 0 : Math.min(0.9, drawn));
    }
  }

  /** In calm weather nothing goes wrong, and what was wrong is put right by its owner. */
  set isCalm(isCalm: boolean) {
    this.#isCalm = isCalm;
  }

  get isCalm(): boolean {
    return this.#isCalm;
  }

  /** Whether it goes wrong this time; counted. */
  strikes(kind: FaultKind): boolean {
    if (this.#isCalm || !this.#dice.chance(this.#odds.get(kind) ?? 0)) return false;
    this.count(kind);
    return true;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** How long a message is under way: a few milliseconds, seldom much longer. */
  delayMs(): number {
    const dice = this.#dice;
    if (this.#isCalm) return dice.between(0, 3);
    if (this.strikes('callSlow')) return dice.between(100, dice.pick([1_000, 5_000, 40_000]));
    return dice.between(0, dice.pick([2, 10, 40]));
  }
}
