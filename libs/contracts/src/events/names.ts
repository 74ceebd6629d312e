import type { z } from 'zod';
import type { StatementSignature } from '../text.ts';
import { ARCHIVE_EVENTS } from './archive-events.ts';
import { CONTROL_EVENTS } from './control-events.ts';
import { LANE_EVENTS } from './lane-events.ts';
import type { Service } from './services.ts';

export const EVENTS = { ...LANE_EVENTS, ...CONTROL_EVENTS, ...ARCHIVE_EVENTS };

export type LaneEventName = keyof typeof LANE_EVENTS;
export type ControlEventName = keyof typeof CONTROL_EVENTS;
export type ArchiveEventName = keyof typeof ARCHIVE_EVENTS;
export type EventName = keyof typeof EVENTS;
export type EventData<N extends EventName> = z.infer<(typeof EVENTS)[N]>;
/** Events whose service signs them. */
export type SignedName = {
  [N in EventName]: EventData<N> extends { signature: StatementSignature } ? N : never;
}[EventName];

/** The one service that may write each event. A record from anyone else is ignored. */
export const WRITERS = {
  'mark.made': 'policy',
  'intent.submitted': 'intake',
  'payment.claimed': 'intake',
  'delivery.reported': 'intake',
  'session.opened': 'intake',
  'session.closed': 'intake',
  'task.opened': 'intake',
  'task.closed': 'intake',
  'task.terms_set': 'intake',
  'task.plan_submitted': 'intake',
  'task.plan_committed': 'intake',
  'task.phase_set': 'intake',
  'task.cost_recorded': 'intake',
  'outcome.recorded': 'intake',
  'task.alerted': 'alerting',
  'agent.frozen': 'policy',
  'agent.unfrozen': 'policy',
  'decision.made': 'policy',
  'reservation.ended': 'policy',
  'approval.opened': 'approval',
  'approval.granted': 'approval',
  'approval.vetoed': 'approval',
  'approval.completed': 'approval',
  'approval.expired': 'approval',
  'authorization.fixed': 'signer',
  'renewal.requested': 'intake',
  'authorization.renewed': 'signer',
  'signing.completed': 'signer',
  'signing.refused': 'signer',
  'cancellation.signed': 'signer',
  'settlement.submitted': 'settlement',
  'settlement.observed': 'settlement',
  'settlement.reverted': 'settlement',
  'settlement.final': 'settlement',
  'authorization.void': 'settlement',
  'authorization.canceled': 'settlement',
  'settlement.mismatched': 'settlement',
  'alert.raised': 'alerting',
  'key.announced': 'policy',
  'person.added': 'policy',
  'agent.added': 'policy',
  'agent.wallet_added': 'policy',
  'agent.credential_replaced': 'policy',
  'agent.message_keys_set': 'policy',
  'wallet.requested': 'policy',
  'wallet.created': 'signer',
  'wallet.deployed': 'settlement',
  'wallet.rotation_ordered': 'policy',
  'wallet.key_renewed': 'signer',
  'wallet.rotation_signed': 'signer',
  'wallet.rotated': 'settlement',
  'wallet.revoke_ordered': 'policy',
  'wallet.revoked': 'signer',
  'wallet.frozen': 'settlement',
  'wallet.taken': 'settlement',
  'wallet.unfrozen': 'policy',
  'outflows.scanned': 'settlement',
  'restore.detected': 'signer',
  'restore.accepted': 'policy',
  'facilitator.tripped': 'settlement',
  'alert.sent': 'alerting',
  'seller.registered': 'policy',
  'seller.removed': 'policy',
  'change.scheduled': 'policy',
  'change.canceled': 'policy',
  'policy.put': 'policy',
  'policy.activated': 'policy',
  'tenant.frozen': 'policy',
  'tenant.unfrozen': 'policy',
  'budget.epoch': 'policy',
  'archive.cut': 'recorder',
} as const satisfies Record<EventName, Service>;

/** An event with its envelope opened: CloudEvents 1.0, `id` derived from its cause and content. */
export type EventOf<N extends EventName> = {
  readonly [K in N]: {
    readonly id: string;
    readonly name: K;
    readonly causationId: string;
    readonly data: EventData<K>;
  };
}[N];
export type LaneEvent = EventOf<LaneEventName>;
export type ControlEvent = EventOf<ControlEventName>;
export type ArchiveEvent = EventOf<ArchiveEventName>;
