import { type EventData, type EventName, encodeEvent, statementText } from '@countersign/contracts';
import { CONTROL } from '@countersign/ports';
import { KEYS, type SigningService } from '../cast.ts';
import type { Surroundings } from '../replica.ts';
import type { World } from '../world.ts';
import { meddling } from './appending.ts';

const CAUSE = 'planted';

/** Signs as the service itself would: the fault is in the service, not outside. */
function signedBytes<N extends EventName>(
  service: SigningService,
  name: N,
  data: Omit<EventData<N>, 'signature'>,
  cause = CAUSE,
): Uint8Array {
  const { keyId } = KEYS[service];
  const value = KEYS[service].sign(statementText(name, cause, data));
  const signed = { ...data, signature: { keyId, value } } as EventData<N>;
  return encodeEvent(name, signed, cause).bytes;
}

/** Whatever a person grants, somebody else is said to have granted too. */
export function twiceCounting(surroundings: Surroundings): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'approval.granted') return undefined;
    const { signature: _, ...grant } = event.data;
    const person = grant.person === 'ann' ? 'bob' : 'ann';
    const bytes = signedBytes('approval', 'approval.granted', { ...grant, person });
    return log.append([input, { ...input, bytes }]);
  });
}

/** A freeze is answered by the position of something else, and appended half a minute later. */
export function acknowledging(surroundings: Surroundings, world: World): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'agent.frozen' && event.name !== 'tenant.frozen') return undefined;
    const { control, lanes } = world.history;
    const all = input.lane === CONTROL ? control : lanes[Number(input.lane)];
    const last = all?.findLast((seen) => seen.applied);
    if (!last) return undefined;
    // The wire may lose it.
    const append = () => void log.append([input]).catch(() => undefined);
    world.scheduler.after(30_000, 'the freeze is appended', append);
    return Promise.resolve([{ lane: input.lane, offset: last.record.offset }]);
  });
}

/** A denial for want of budget becomes an allowance, without the readings that would deny it. */
export function boastful(surroundings: Surroundings): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'decision.made') return undefined;
    const { signature: _, ...made } = event.data;
    const { decision } = made;
    if (decision.verdict.outcome !== 'deny' || decision.answer === null) return undefined;
    const answer = { ...decision.answer, tier: 'autonomous', readings: [] };
    const verdict = { ...decision.verdict, outcome: 'allow' as const, tier: 'autonomous' };
    const bytes = signedBytes('policy', 'decision.made', {
      ...made,
      decision: { ...decision, answer, verdict },
      proceed: 'authorize',
    });
    return log.append([{ ...input, bytes }]);
  });
}

/** Whatever an agent proposes lifts its freeze. */
export function selfUnfreezing(surroundings: Surroundings): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'intent.submitted') return undefined;
    const { tenant, agent } = event.data;
    const order = { tenant, agent, by: 'owner' };
    const bytes = signedBytes('policy', 'agent.unfrozen', order, event.id);
    void log.append([{ ...input, bytes }]).catch(() => {});
    return undefined;
  });
}

/** What loosens a policy is said to tighten it, and need not wait. */
export function belittling(surroundings: Surroundings): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'change.scheduled') return undefined;
    const { tenant, change, by } = event.data;
    if (change.kind !== 'policy.activated') return undefined;
    const { kind, ...activation } = change;
    const bytes = signedBytes('policy', kind, { ...activation, tenant, by, loosens: [] });
    return log.append([{ ...input, bytes }]);
  });
}

/** What is signed counts as delivered, whatever the agent says. */
export function confirming(surroundings: Surroundings): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'signing.completed') return undefined;
    const { tenant, agent, paymentId } = event.data;
    const about = { tenant, agent, paymentId, status: 200 };
    const bytes = signedBytes('intake', 'delivery.reported', about);
    return log.append([input, { ...input, bytes }]);
  });
}

/** What is withdrawn is presented as soon as it is signed, whatever became of what was presented before. */
export function persistent(surroundings: Surroundings, world: World): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'signing.completed') return undefined;
    const { tenant, agent, paymentId } = event.data;
    if (world.history.payment({ tenant, agent }, paymentId)?.intent.kind !== 'withdrawal')
      return undefined;
    const about = { tenant, agent, paymentId, what: 'transfer' } as const;
    const { bytes } = encodeEvent('settlement.submitted', about, CAUSE);
    return log.append([input, { ...input, bytes }]);
  });
}
