import { createPublicKey, verify } from 'node:crypto';
import {
  AgentMessage,
  MESSAGE_BYTES_MAX,
  type RefusalCode,
  messageText,
} from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { type Payment, tenantOf } from '@countersign/payment';
import type { AgentInbox, AgentOutbox, InboundMessage, OutcomeInput } from '@countersign/ports';
import { Refused, Rejected, problemOf, unrecordableAt } from '@countersign/service-kit';
import { claimOf, freshness, jsonOf, messageIdOf } from '../domain/message.ts';
import type { Intake } from './intake.ts';
import { type OutcomeParts, outcomeOf, refusalOf } from './outcomes.ts';
import { type Persistence, persistently } from './persistently.ts';
import type { Unattributed } from './unattributed.ts';

export interface AgentMessagesParts extends OutcomeParts {
  readonly intake: Intake;
  readonly inbox: AgentInbox;
  readonly outbox: AgentOutbox;
  readonly unattributed: Unattributed;
  readonly persistence: Persistence;
  readonly meter?: MessageMeter | undefined;
}

/** Counts what became of messages. */
export interface MessageMeter {
  handled(result: Handled['result'], code: string): void;
}

/** What became of a message: `refused` and `accepted` were answered, and what is `unattributed` never is. */
export interface Handled {
  readonly result: 'accepted' | 'refused' | 'unattributed';
  /** Why not; null for one that was accepted. */
  readonly code: string | null;
  readonly paymentId: string | null;
}

/** A message somebody answers for. */
interface Attributed {
  readonly tenant: string;
  readonly agent: string;
  readonly json: unknown;
}

/** A message as it is handled now: as it came, or once more because a person wants it so. */
interface Handling {
  readonly message: InboundMessage;
  readonly resubmittedBy?: string;
  readonly attempt: <T>(task: () => Promise<T>) => Promise<T>;
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
    const { unattributed, persistence, meter } = this.#parts;
    const attributed = this.#attribute(message);
    if ('code' in attributed) {
      unattributed.add({ place: message.place, ...attributed });
      meter?.handled('unattributed', attributed.code);
      return;
    }
    const attempt = <T>(task: () => Promise<T>) => persistently(task, persistence);
    await this.#answered(attributed, { message, attempt });
  }

  /**
   * Handles the message at a place once more. It must be proven as at first, by what is known of its agent now; that it
   * is old does not count, as a person of its tenant answers for that.
   *
   * @throws Refused `not_found`, `not_permitted`; Fault when something is out of reach, and then it may be tried again.
   */
  async resubmit(
    place: string,
    by: { readonly tenant: string; readonly person: string },
  ): Promise<Handled> {
    const { inbox, log } = this.#parts;
    const message = await inbox.read(place);
    if (!message) throw new Refused('not_found', 'no message stands there');
    const attributed = this.#attribute(message);
    if ('code' in attributed)
      return { result: 'unattributed', code: attributed.code, paymentId: null };
    if (attributed.tenant !== by.tenant) throw new Refused('not_permitted');
    log.info({ place, person: by.person }, 'a message is handled once more');
    const attempt = <T>(task: () => Promise<T>) => task();
    return this.#answered(attributed, { message, attempt, resubmittedBy: by.person });
  }

  async #answered(from: Attributed, handling: Handling): Promise<Handled> {
    const { outbox, meter } = this.#parts;
    const { outcome, handled } = await this.#answer(from, handling);
    await handling.attempt(() => outbox.publish([outcome]));
    meter?.handled(handled.result, handled.code ?? 'none');
    return handled;
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

  async #answer(
    from: Attributed,
    handling: Handling,
  ): Promise<{ outcome: OutcomeInput; handled: Handled }> {
    const { log, persistence } = this.#parts;
    const messageId = messageIdOf(from.json);
    const { place } = handling.message;
    try {
      const payment = await handling.attempt(() => this.#obey(from, handling));
      const outcome = await outcomeOf(this.#parts, payment, messageId);
      return { outcome, handled: { result: 'accepted', code: null, paymentId: payment.id } };
    } catch (error) {
      if (persistence.signal.aborted || (error instanceof Fault && error.retryable)) throw error;
      // A bug of ours met by this one message must not stop all others.
      if (!(error instanceof Refused || error instanceof Rejected || error instanceof Fault))
        log.error({ place, err: error }, 'a bug was met by a message');
      const problem = problemOf(error);
      const outcome = refusalOf(this.#parts, from, { messageId, place, problem });
      return { outcome, handled: { result: 'refused', code: problem.code, paymentId: null } };
    }
  }

  async #obey(from: Attributed, { message, resubmittedBy }: Handling): Promise<Payment> {
    const { intake, clock } = this.#parts;
    const { bytes, sender } = message;
    if (bytes.length > MESSAGE_BYTES_MAX) throw new Refused('too_large');
    const unfit = unrecordableAt(from.json);
    if (unfit) throw new Rejected([{ ...unfit, path: unfit.path || '(message)' }]);
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
    const isFresh = age === 'fresh' || resubmittedBy !== undefined;
    if (type === 'dev.countersign.agent.intent.v1')
      return intake.accept(owner, data, { id, fresh: isFresh, resubmittedBy });
    if (!isFresh) throw new Refused('message_too_old');
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
