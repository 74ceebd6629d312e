import { type EventName, SERVICES, type Service } from '@countersign/contracts';
import type { Dice } from '../sim/dice.ts';
import type { ServerName } from './fleet.ts';
import type { RelayMode, Side } from './relay.ts';

/** When a record of this name appears in the log, this service is in the middle of what follows from it. */
const POINTS: readonly (readonly [EventName, Service])[] = [
  ['intent.submitted', 'intake'],
  ['intent.submitted', 'policy'],
  ['decision.made', 'policy'],
  ['decision.made', 'signer'],
  ['decision.made', 'approval'],
  ['approval.opened', 'approval'],
  ['approval.granted', 'approval'],
  ['approval.completed', 'intake'],
  ['payment.claimed', 'policy'],
  ['authorization.fixed', 'signer'],
  ['signing.completed', 'intake'],
  ['signing.completed', 'settlement'],
  ['cancellation.signed', 'settlement'],
  ['settlement.observed', 'settlement'],
  ['settlement.final', 'policy'],
  ['reservation.ended', 'policy'],
  ['alert.raised', 'alerting'],
  ['archive.cut', 'recorder'],
];

/** With something on its way to, or from, that server. */
const WIRES: readonly (readonly [Service, ServerName, Side])[] = [
  ['intake', 'kafka', 'request'],
  ['policy', 'kafka', 'request'],
  ['policy', 'redis', 'request'],
  ['policy', 'redis', 'answer'],
  ['approval', 'kafka', 'request'],
  ['signer', 'kafka', 'request'],
  ['signer', 'vault', 'request'],
  ['signer', 'vault', 'answer'],
  ['settlement', 'kafka', 'request'],
  ['settlement', 'chain', 'answer'],
  ['recorder', 'kafka', 'request'],
];

export type Fault =
  | { readonly kind: 'kill'; readonly member: string }
  | {
      readonly kind: 'kill at a record';
      readonly record: EventName;
      readonly service: Service;
      /** Every process of the service, or one of them. */
      readonly members: readonly string[];
    }
  | {
      readonly kind: 'kill on the wire';
      readonly member: string;
      readonly server: ServerName;
      readonly side: Side;
    }
  | { readonly kind: 'pause'; readonly member: string }
  | {
      readonly kind: 'cut off';
      readonly member: string;
      readonly server: ServerName;
      readonly mode: Exclude<RelayMode, 'pass'>;
    }
  | { readonly kind: 'disk full'; readonly member: string }
  | { readonly kind: 'broker killed' }
  | { readonly kind: 'broker paused' }
  | { readonly kind: 'vault paused' }
  | { readonly kind: 'redis killed' }
  | { readonly kind: 'redis emptied' }
  | {
      readonly kind: 'redis failed over';
      /** They go on with the old master until the fault is over. */
      readonly left: readonly string[];
    };
export type FaultKind = Fault['kind'];

export interface Planned {
  readonly number: number;
  readonly fault: Fault;
  /** How long it lasts. */
  readonly holdMs: number;
  /** The next one comes when so many records more stand in the log, or after a while without any. */
  readonly gapRecords: number;
}

const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 22,
  'kill at a record': 20,
  'kill on the wire': 14,
  pause: 12,
  'cut off': 16,
  'disk full': 5,
  'broker killed': 4,
  'broker paused': 2,
  'vault paused': 2,
  'redis killed': 3,
  'redis emptied': 2,
  'redis failed over': 4,
};
export const FAULT_KINDS = Object.keys(WEIGHTS) as readonly FaultKind[];

/** Beyond the session of three seconds after which a replica's lanes are given to others. */
const PAUSE_MS = [4_000, 8_000] as const;

/** Every choice of a run's faults, from its seed alone. */
export function planOf(
  dice: Dice,
  shape: {
    readonly count: number;
    readonly replicasOf: (service: Service) => number;
    /** All kinds, unless some are named. */
    readonly kinds: readonly FaultKind[];
  },
): readonly Planned[] {
  const weights = Object.fromEntries(shape.kinds.map((kind) => [kind, WEIGHTS[kind]])) as Readonly<
    Record<FaultKind, number>
  >;
  return Array.from({ length: shape.count }, (_, index) => {
    const own = dice.fork(`fault/${index + 1}`);
    const fault = faultOf(own, own.weighted(weights), shape.replicasOf);
    return {
      number: index + 1,
      fault,
      holdMs: holdOf(own, fault.kind),
      gapRecords: own.between(2, 30),
    };
  });
}

function holdOf(dice: Dice, kind: FaultKind): number {
  switch (kind) {
    case 'pause':
    case 'broker paused':
    case 'redis failed over':
      return dice.between(...PAUSE_MS);
    case 'cut off':
      return dice.between(500, 8_000);
    default:
      return dice.between(0, 3_000);
  }
}

function faultOf(dice: Dice, kind: FaultKind, replicasOf: (service: Service) => number): Fault {
  const membersOf = (service: Service) =>
    Array.from({ length: replicasOf(service) }, (_, index) => `${service}-${index + 1}`);
  const anyMember = () => dice.pick(membersOf(dice.pick(SERVICES)));
  switch (kind) {
    case 'kill':
    case 'pause':
    case 'disk full':
      return { kind, member: anyMember() };
    case 'kill at a record': {
      const [record, service] = dice.pick(POINTS);
      const all = membersOf(service);
      return { kind, record, service, members: dice.chance(0.3) ? all : [dice.pick(all)] };
    }
    case 'kill on the wire': {
      const [service, server, side] = dice.pick(WIRES);
      return { kind, member: dice.pick(membersOf(service)), server, side };
    }
    case 'cut off': {
      const member = anyMember();
      const server = dice.pick(serversOf(member));
      const mode = dice.pick(['refuse', 'stall', 'mute'] as const);
      return { kind, member, server, mode };
    }
    case 'redis failed over':
      return { kind, left: membersOf('policy').filter(() => dice.chance(0.4)) };
    default:
      return { kind };
  }
}

function serversOf(member: string): readonly ServerName[] {
  if (member.startsWith('policy')) return ['kafka', 'redis', 'vault'];
  if (member.startsWith('signer') || member.startsWith('settlement'))
    return ['kafka', 'vault', 'chain'];
  return ['kafka', 'vault'];
}

/** For people. */
export function textOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `${fault.member} killed`;
    case 'kill at a record':
      return `${fault.members.join(', ')} killed at ${fault.record}`;
    case 'kill on the wire':
      return `${fault.member} killed with ${fault.side === 'request' ? 'a request to' : 'an answer from'} ${fault.server} under way`;
    case 'pause':
      return `${fault.member} paused`;
    case 'cut off':
      return `${fault.member} cut off from ${fault.server} (${fault.mode})`;
    case 'disk full':
      return `${fault.member} on a full disk`;
    case 'redis failed over':
      return `Redis failed over, ${fault.left.length === 0 ? 'nobody' : fault.left.join(', ')} left at the old master`;
    case 'broker killed':
    case 'broker paused':
    case 'vault paused':
    case 'redis killed':
    case 'redis emptied':
      return fault.kind;
  }
}
