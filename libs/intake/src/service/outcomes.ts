import type { OutcomeMessage, Problem, SealedOutcome } from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import { type Payment, laneOf, tenantOf } from '@countersign/payment';
import type { Clock, OutcomeInput } from '@countersign/ports';
import { type LaneHost, type Log, statusOf, viewOf } from '@countersign/service-kit';
import { CompactEncrypt, importJWK } from 'jose';

interface Owner {
  readonly tenant: string;
  readonly agent: string;
}

export interface OutcomeParts {
  readonly host: LaneHost;
  readonly clock: Clock;
  readonly log: Log;
}

/** An outcome of a payment as it stands now, the whole of it sealed to the agent's key where it has one. */
export async function outcomeOf(
  parts: OutcomeParts,
  payment: Payment,
  messageId: string | null,
): Promise<OutcomeInput> {
  const { id, status, final, code, reasons, alternative, position } = viewOf(parts.host, payment, {
    bearer: false,
  });
  const named = { messageId, paymentId: id, round: payment.round, status };
  const sealed = await sealedFor(parts, payment);
  return written(parts, payment, {
    id: digestOf('countersign/outcome/1', named),
    data: {
      messageId,
      payment: {
        id,
        status,
        final,
        code,
        reasons,
        ...(alternative !== undefined && { alternative }),
        position,
      },
      ...(sealed !== undefined && { sealed }),
    },
  });
}

/** The outcome of a message that had no effect. */
export function refusalOf(
  parts: OutcomeParts,
  owner: Owner,
  refusal: { readonly messageId: string | null; readonly place: string; readonly problem: Problem },
): OutcomeInput {
  const { messageId, place, problem } = refusal;
  const named = { messageId, place, code: problem.code };
  const id = digestOf('countersign/outcome/1', named);
  return written(parts, owner, { id, data: { messageId, refused: problem } });
}

/** What is worth telling of a payment that began with a message, in one word; null where nothing is. */
export function worthTelling(payment: Payment): string | null {
  const status = statusOf(payment);
  const isUnderWay = ['undecided', 'authorized', 'signing'].includes(status);
  return isUnderWay ? null : `${payment.round}/${status}`;
}

function written(
  { host, clock }: OutcomeParts,
  { tenant, agent }: Owner,
  { id, data }: { id: string; data: Omit<OutcomeMessage['data'], 'tenant' | 'agent'> },
): OutcomeInput {
  const message: OutcomeMessage = {
    specversion: '1.0',
    id,
    source: 'countersign/intake',
    type: 'dev.countersign.agent.outcome.v1',
    time: new Date(clock.nowMs()).toISOString(),
    datacontenttype: 'application/json',
    data: { tenant, agent, ...data },
  };
  const lane = laneOf(tenant, agent, host.log.laneCount);
  const bytes = new TextEncoder().encode(JSON.stringify(message));
  return { lane, key: `${tenant}/${agent}`, bytes };
}

/**
 * Signature and all, for the owning agent alone: the topic is read by others, and whoever holds the bytes can present
 * them. A key nothing can be sealed to costs the agent this part and nothing else.
 */
async function sealedFor(
  { host, log }: OutcomeParts,
  payment: Payment,
): Promise<string | undefined> {
  const { tenant, agent } = payment;
  const x = tenantOf(host.control, tenant).agents.get(agent)?.messageKeys?.sealing;
  if (x === undefined) return undefined;
  const whole: SealedOutcome = { payment: viewOf(host, payment, { bearer: true }) };
  try {
    const key = await importJWK({ kty: 'OKP', crv: 'X25519', x }, 'ECDH-ES');
    return await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(whole)))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
      .encrypt(key);
  } catch (error) {
    log.error({ tenant, agent, err: error }, "nothing can be sealed to this agent's key");
    return undefined;
  }
}
