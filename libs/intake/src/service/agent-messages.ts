import { createPublicKey, verify } from 'node:crypto';
import {
  AgentMessage,
  MESSAGE_BYTES_MAX,
  type RefusalCode,
  messageText,
} from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { type Payment, tenantOf } from '@countersign/payment';
import type { AgentOutbox, InboundMessage, OutcomeInput } from '@countersign/ports';
import { Refused, Rejected, problemOf } from '@countersign/service-kit';
import { claimOf, freshness, jsonOf, messageIdOf } from '../domain/message.ts';
import type { Intake } from './intake.ts';
import { type OutcomeParts, outcomeOf, refusalOf } from './outcomes.ts';
import { type Persistence, persistently } from './persistently.ts';
import type { Unattributed } from './unattributed.ts';

export interface AgentMessagesParts extends OutcomeParts {
  readonly intake: Intake;
  readonly outbox: AgentOutbox;
  readonly unattributed: Unattributed;
  readonly persistence: Persistence;
}

/** A message somebody answers for. */
interface Attributed {
  readonly tenant: string;
  readonly agent: string;
  readonly json: unknown;
}

/**
 * The door for messages: proves who speaks, does what is asked, answers. Every message ends in an answer, or in the list
 * of those that nobody answers for; none keeps the next from being handled.
 */
export class AgentMessages {
  readonly #parts: AgentMessagesParts;

  constructor(parts: AgentMessagesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the answer is durable. Repeated, it finds what it did.
   *
   * @throws when told to stop before that: the message must come again.
   */
  async handle(message: InboundMessage): Promise<void> {
    const { outbox, unattributed, persistence } = this.#parts;
    const attributed = this.#attribute(message);
    if ('code' in attributed) {
      unattributed.add({ place: message.place, ...attributed });
      return;
    }
    const answer = await this.#answer(attributed, message);
    await persistently(() => outbox.publish([answer]), persistence);
  }

  #attribute(message: InboundMessage): Attributed | { code: RefusalCode; detail: string } {
    const { bytes, sender, signature } = message;
    if (bytes.length > MESSAGE_BYTES_MAX && !sender)
      return { code: 'too_large', detail: `${bytes.length} bytes; at most ${MESSAGE_BYTES_MAX}` };
    const claim = sender ? { ...sender, json: jsonOf(bytes) } : claimOf(bytes);
    if (!claim) return { code: 'undecodable', detail: 'no JSON with a source that names an agent' };
    const { tenant, agent } = claim;
    const entry = tenantOf(this.#parts.host.control, tenant).agents.get(agent);
    const who = `${tenant}/${agent}`;
    if (!entry) return { code: 'agent_unknown', detail: `${who} is not registered` };
    // A key, once registered, is asked for everywhere: else the weaker proof would do.
    if (entry.messageKeys)
      return isSigned(message, entry.messageKeys.signing)
        ? claim
        : { code: 'not_genuine', detail: `${signature ? 'not' : 'nothing'} signed by ${who}` };
    return sender ? claim : { code: 'unauthenticated', detail: `${who} has no message key` };
  }

  async #answer(from: Attributed, message: InboundMessage): Promise<OutcomeInput> {
    const { log, persistence } = this.#parts;
    const messageId = messageIdOf(from.json);
    const { place } = message;
    try {
      const payment = await persistently(() => this.#obey(from, message), persistence);
      return await outcomeOf(this.#parts, payment, messageId);
    } catch (error) {
      if (persistence.signal.aborted) throw error;
      // A bug of ours met by this one message must not stop all others.
      if (!(error instanceof Refused || error instanceof Rejected || error instanceof Fault))
        log.error({ place, err: error }, 'a bug was met by a message');
      return refusalOf(this.#parts, from, { messageId, place, problem: problemOf(error) });
    }
  }

  async #obey(from: Attributed, { bytes, sender }: InboundMessage): Promise<Payment> {
    const { intake, clock } = this.#parts;
    if (bytes.length > MESSAGE_BYTES_MAX) throw new Refused('too_large');
    const parsed = AgentMessage.safeParse(from.json);
    if (!parsed.success)
      throw new Rejected(
        parsed.error.issues.slice(0, ERRORS_MAX).map(({ path, message }) => ({
          path: path.length === 0 ? '(message)' : path.map(String).join('.'),
          message: message.slice(0, 300),
        })),
      );
    const { id, source, type, time, data } = parsed.data;
    const owner = { tenant: from.tenant, agent: from.agent };
    if (sender && source !== `agent/${sender.tenant}/${sender.agent}`)
      throw new Rejected([{ path: 'source', message: 'not the agent whose topic this is' }]);
    const age = freshness(time, clock.nowMs());
    if (age === 'ahead') throw new Rejected([{ path: 'time', message: 'is ahead of our clock' }]);
    if (type === 'dev.countersign.agent.intent.v1')
      return intake.accept(owner, data, { id, fresh: age === 'fresh' });
    if (age === 'old') throw new Refused('message_too_old');
    await intake.reportDelivery(owner, data.paymentId, data);
    return intake.ownPayment(owner, data.paymentId);
  }
}

const ERRORS_MAX = 20;

function isSigned({ bytes, signature }: InboundMessage, x: string): boolean {
  if (signature === null || !/^[A-Za-z0-9_-]{86}$/.test(signature)) return false;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, messageText(bytes), key, Buffer.from(signature, 'base64url'));
}
