import { type ApprovalView, decodeEvent, grantText } from '@countersign/contracts';
import { visible } from '@countersign/kernel';
import { type Payment, approvalDueMs, fixedOf } from '@countersign/payment';
import type { Clock, StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  Refused,
  commit,
  expectApplied,
  factsOf,
  openedValue,
  signStatement,
  viewOf,
} from '@countersign/service-kit';
import { shownFacts } from '../domain/question.ts';

interface Person {
  readonly tenant: string;
  readonly person: string;
}

/** A person who signs what they grant. */
interface Granting extends Person {
  /** Signs with the key that their credential leads to. */
  readonly prove: (text: string) => string;
}

/** Where people answer: grants over exactly what was shown, vetoes, and what waits for them. */
export class Approvals {
  readonly #host: LaneHost;
  readonly #key: StatementKey;
  readonly #clock: Clock;

  constructor(parts: { host: LaneHost; key: StatementKey; clock: Clock }) {
    this.#host = parts.host;
    this.#key = parts.key;
    this.#clock = parts.clock;
  }

  /** Payments that wait for people, the one due first at the top. */
  async waiting(person: Person): Promise<ApprovalView[]> {
    const waiting = this.#host.lanes
      .flatMap((lane) => [...lane.agents.values()])
      .filter((agent) => agent.tenant === person.tenant)
      .flatMap((agent) => [...agent.open].flatMap((id) => agent.payments.get(id) ?? []))
      .filter((payment) => payment.phase.status === 'awaiting')
      .sort((a, b) => dueOf(a) - dueOf(b));
    return Promise.all(waiting.map((payment) => this.#show(payment, person)));
  }

  read(person: Person, paymentId: string): Promise<ApprovalView> {
    return this.#show(this.#find(person, paymentId), person);
  }

  /** @throws Refused with the fold's code when the grant does not count. */
  async grant(
    { tenant, person, prove }: Granting,
    paymentId: string,
    shown: { readonly quoteDigest: string; readonly decisionId: string },
  ): Promise<Payment> {
    const { agent } = this.#find({ tenant, person }, paymentId);
    const { quoteDigest, decisionId } = shown;
    const cause = `grant/${person}`;
    const grant = { tenant, agent, paymentId, person, quoteDigest, decisionId };
    const statement = { ...grant, proof: prove(grantText(grant)) };
    const data = await signStatement(this.#key, 'approval.granted', statement, cause);
    const back = await this.#host.append('approval.granted', data, { cause });
    expectApplied(back);
    return this.#find({ tenant, person }, paymentId);
  }

  /**
   * Stops a payment. Before the authorization is fixed nothing will be signed; after it, its cancellation is asked for.
   *
   * @throws Refused `too_late` naming the payment, when only the chain can end it now; the stop is recorded all the same.
   */
  async veto({ tenant, person }: Person, paymentId: string, reason?: string): Promise<Payment> {
    const { agent } = this.#find({ tenant, person }, paymentId);
    const committed = reason === undefined ? undefined : commit(reason);
    const back = await this.#host.append(
      'approval.vetoed',
      {
        tenant,
        agent,
        paymentId,
        person,
        ...(committed && { reason: committed.commitment }),
      },
      {
        cause: `veto/${person}`,
        ...(committed && { openings: { reason: committed.opening } }),
      },
    );
    expectApplied(back);
    const payment = this.#find({ tenant, person }, paymentId);
    if (fixedOf(payment)) throw new Refused('too_late', undefined, { paymentId });
    return payment;
  }

  #find(person: Person, paymentId: string): Payment {
    const payment = this.#host.payment(paymentId);
    if (payment?.tenant !== person.tenant) throw new Refused('payment_unknown');
    return payment;
  }

  async #show(payment: Payment, { person }: Person): Promise<ApprovalView> {
    const facts = factsOf(this.#host, payment);
    const view = viewOf(this.#host, payment, { bearer: false });
    const { phase } = payment;
    const approval = phase.status === 'awaiting' ? phase.approval : null;
    const requirement = approval?.requirement;
    const mayGrant =
      requirement?.kind === 'quorum' &&
      requirement.approvers.includes(person) &&
      !approval?.grants.some((grant) => grant.person === person) &&
      this.#clock.nowMs() < dueOf(payment);
    const quoted = await this.#quoted(payment);
    return {
      payment: view,
      payee: {
        address: facts.quote.payTo,
        seller: facts.established.seller,
        trust: facts.established.trust,
      },
      facts: [...shownFacts(view, facts)],
      trace: phase.status === 'awaiting' ? phase.decision.verdict.trace : [],
      ...(quoted !== undefined && { quoted }),
      mayGrant,
      mayVeto: phase.status !== 'ended',
    };
  }

  async #quoted(payment: Payment): Promise<string | undefined> {
    const records = await this.#host.recordsOf(payment.id);
    for (const record of records) {
      const event = decodeEvent(record.bytes);
      if ('undecodable' in event || event.name !== 'intent.submitted') continue;
      if (event.id !== payment.intentId) continue;
      const words = openedValue(record.openings, 'purpose', event.data.purpose);
      return words === undefined ? undefined : visible(words);
    }
    return undefined;
  }
}

function dueOf({ phase }: Payment): number {
  return phase.status === 'awaiting' ? approvalDueMs(phase.approval) : 0;
}
