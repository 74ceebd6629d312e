import type { SyncStore } from '@countersign/adapter-sqlite';
import type { FoldLane } from '@countersign/payment';
import type { LogRecord, ReserveRequest, ReserveResult, StateStore } from '@countersign/ports';
import { TwiceSumming, TwiceTaking, notingFirst } from './plants/archives.ts';
import { forgiving, pardoning, unaffected } from './plants/folds.ts';
import { blindToOpen, blindToTasks, forgetful, openLeftOut, rewriting } from './plants/stores.ts';
import {
  alwaysFinal,
  blindToOutflows,
  blindToThieves,
  errorsAsUnused,
  magnifying,
  neverFinal,
  withoutNonces,
} from './plants/chains.ts';
import {
  deafToClosings,
  deafToRenewals,
  deafToRestores,
  deafToRevocations,
  deafToVetoes,
  deafToWalletFreezes,
  keyless,
  swapping,
} from './plants/logs.ts';
import {
  credulous,
  generous,
  hurried,
  impatient,
  oneNonceMore,
  overhasty,
  reckless,
  solitary,
  timeless,
  withoutMemory,
} from './plants/signers.ts';
import {
  acknowledging,
  belittling,
  boastful,
  confirming,
  persistent,
  selfUnfreezing,
  twiceCounting,
} from './plants/services.ts';
import type { Manners } from './actors/operators.ts';
import type { EventTables } from './event-tables.ts';
import type { Surroundings } from './replica.ts';
import type { World } from './world.ts';

/** A fault planted into the test world, never into the product, to show that the simulation would find it. */
export interface Plant {
  /** The store that everything works with. */
  readonly store?: (store: SyncStore) => SyncStore;
  /** What a replica is given in place of each record. */
  readonly distort?: (replica: string, world: World) => (record: LogRecord) => LogRecord;
  /** What the budget store does in place of reserving. */
  readonly reserve?: (store: SyncStore, request: ReserveRequest) => ReserveResult;
  /** Where a replica keeps its fold. */
  readonly state?: (store: StateStore) => StateStore;
  /** The event store's server. */
  readonly events?: () => EventTables;
  /** Whose statement key a thief has. */
  readonly stolen?: 'policy' | 'approval';
  /** What a replica folds lanes with. */
  readonly fold?: (fold: FoldLane, replica: string) => FoldLane;
  /** Replaces what a replica works with, whose clock says `ownMs`. */
  readonly surround?: (
    surroundings: Surroundings,
    world: World,
    ownMs: () => number,
  ) => Surroundings;
  /** What happens more often than it does, or never, where that shows the fault: a search should not take hours. */
  readonly often?: {
    readonly lowCeilings?: true;
    readonly operators?: Partial<Manners>;
    readonly restores?: true;
    readonly tasks?: true;
    readonly sessions?: true;
    readonly bugs?: true;
    readonly skews?: true;
    /** All that is presented fails, of which there is much that people let go on. */
    readonly failures?: true;
  };
}

/** Withdrawals all the time that all fail, and nothing that would stop them. */
export const FAILING = {
  failures: true,
  operators: { withdraw: 90, freezeAgent: 0, freezeAll: 0, revoke: 0, rotate: 0 },
} as const;

export const NO_PLANT: Plant = {};

/** Every planted fault, and the invariant that must break. */
export const PLANTS = {
  'budget-store-forgets-open-reservations': { breaks: 'budgets', plant: { reserve: blindToOpen } },
  'rebuild-forgets-open-reservations': { breaks: 'budgets', plant: { surround: openLeftOut } },
  'budget-store-forgets-what-tasks-cost': {
    breaks: 'budgets',
    plant: { reserve: blindToTasks, often: { tasks: true } },
  },
  'signer-signs-another-nonce-too': { breaks: 'single', plant: { surround: oneNonceMore } },
  'signer-does-not-wait-for-people': { breaks: 'authority', plant: { surround: impatient } },
  'fold-knows-no-key-of-people': {
    breaks: 'quorum',
    plant: { stolen: 'approval', distort: keyless },
  },
  'approval-counts-one-person-twice': {
    breaks: 'authority',
    plant: { surround: twiceCounting, distort: keyless },
  },
  'fold-skips-vetoes': { breaks: 'stops', plant: { distort: deafToVetoes } },
  'fold-skips-renewals': { breaks: 'evidence', plant: { distort: deafToRenewals } },
  'fold-skips-closings': {
    breaks: 'sessions',
    plant: { distort: deafToClosings, often: { operators: { session: 15 }, sessions: true } },
  },
  'freeze-is-acknowledged-too-early': { breaks: 'stops', plant: { surround: acknowledging } },
  'chain-says-unused-for-an-error': { breaks: 'evidence', plant: { surround: errorsAsUnused } },
  'chain-calls-the-latest-block-final': { breaks: 'evidence', plant: { surround: alwaysFinal } },
  'policy-says-yes-without-readings': { breaks: 'replay', plant: { surround: boastful } },
  'log-delivers-in-another-order': { breaks: 'agreement', plant: { distort: swapping } },
  'log-rewrites-a-record': { breaks: 'agreement', plant: { store: rewriting } },
  'kept-state-loses-closed-payments': { breaks: 'agreement', plant: { state: forgetful } },
  'policy-says-it-only-tightens': { breaks: 'patience', plant: { surround: belittling } },
  'agent-lifts-its-own-freeze': {
    breaks: 'agency',
    plant: { surround: selfUnfreezing, often: { operators: { freezeAgent: 8, unfreezeAgent: 0 } } },
  },
  'intake-confirms-deliveries-itself': { breaks: 'money', plant: { surround: confirming } },
  'fold-skips-wallet-freezes': { breaks: 'stops', plant: { distort: deafToWalletFreezes } },
  'chain-hides-what-is-stolen': { breaks: 'outflows', plant: { surround: blindToOutflows } },
  'chain-shows-nothing-as-something': { breaks: 'outflows', plant: { surround: magnifying } },
  'chain-hides-thieves': { breaks: 'handover', plant: { surround: blindToThieves } },
  'chain-forgets-nonces': { breaks: 'outflows', plant: { surround: withoutNonces } },
  'signer-forgets-what-it-signed': {
    breaks: 'restore',
    plant: { surround: withoutMemory, often: { restores: true } },
  },
  'fold-skips-restores': {
    breaks: 'restore',
    plant: { distort: deafToRestores, often: { restores: true } },
  },
  'signer-hands-accounts-over-at-once': { breaks: 'handover', plant: { surround: overhasty } },
  'fold-skips-revocations': { breaks: 'revocation', plant: { distort: deafToRevocations } },
  'signer-destroys-keys-in-use': { breaks: 'revocation', plant: { surround: reckless } },
  'signer-destroys-keys-too-early': {
    breaks: 'revocation',
    plant: { surround: hurried, often: { operators: { revoke: 12 } } },
  },
  'signer-believes-what-policy-says': {
    breaks: 'belief',
    plant: { stolen: 'policy', surround: credulous },
  },
  'signers-count-only-what-they-signed': {
    breaks: 'ceilings',
    plant: { surround: solitary, often: { lowCeilings: true } },
  },
  'signer-believes-in-higher-ceilings': { breaks: 'ceilings', plant: { surround: generous } },
  'event-store-sums-repeats-again': {
    breaks: 'archive',
    plant: { events: () => new TwiceSumming() },
  },
  'event-store-takes-repeats-again': {
    breaks: 'archive',
    plant: { events: () => new TwiceTaking() },
  },
  'cuts-are-noted-before-their-records': { breaks: 'archive', plant: { surround: notingFirst } },
  'kept-state-forgets-who-is-set-aside': {
    breaks: 'quarantine',
    plant: { state: pardoning, often: { bugs: true } },
  },
  'fold-goes-on-with-whom-it-set-aside': {
    breaks: 'quarantine',
    plant: { fold: forgiving, often: { bugs: true } },
  },
  'one-fold-has-no-bug': {
    breaks: 'agreement',
    plant: { fold: unaffected, often: { bugs: true } },
  },
  'signer-does-not-compare-clocks': {
    breaks: 'skew',
    plant: { surround: timeless, often: { skews: true } },
  },
  'settlement-presents-with-an-open-breaker': {
    breaks: 'breaker',
    plant: { surround: persistent, often: FAILING },
  },
  'chain-never-finalizes': { breaks: 'liveness', plant: { surround: neverFinal } },
} as const satisfies Record<string, { breaks: string; plant: Plant }>;

export type PlantName = keyof typeof PLANTS;

export function isPlantName(name: string): name is PlantName {
  return Object.hasOwn(PLANTS, name);
}
