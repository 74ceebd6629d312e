import { type EventData, type ProposeBody, Quote } from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import type { Clock, StatementKey } from '@countersign/ports';
import {
  type Opening,
  type ReadBack,
  Refused,
  Rejected,
  type LaneHost,
  type Timers,
  commit,
  expectApplied,
  signStatement,
} from '@countersign/service-kit';
import { paymentIdOf, purchaseDigest, withdrawalOf } from '@countersign/payment';
import { agentOf, fixedOf, isRunningOut, outlook } from '@countersign/payment';
import type { Payment } from '@countersign/payment';

type Intent = EventData<'intent.submitted'>;

/** A payment as intake found or made it. */
export interface Proposed {
  readonly payment: Payment;
  /** The request was answered with a payment that was there before. */
  readonly replayed: boolean;
}

/** Attempts to number a purchase when other intake replicas number the same one. */
const ATTEMPTS_MAX = 5;

export interface IntakeParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly timers: Timers;
  readonly clock: Clock;
}

/** The door: turns requests into intents and claims, and answers from its own fold. */
export class Intake {
  readonly #host: LaneHost;
  readonly #key: StatementKey;
  readonly #timers: Timers;
  readonly #clock: Clock;

  constructor(parts: IntakeParts) {
    this.#host = parts.host;
    this.#key = parts.key;
    this.#timers = parts.timers;
    this.#clock = parts.clock;
  }

  /**
   * Submits an intent, or finds the payment it already is; claims that payment when people have cleared it.
   *
   * @param options.waitMs how long to wait for people; the machine's own part is always waited for.
   * @throws Refused `idempotency_key_reused`, `payment_unresolved`, `too_many_open_payments`, `agent_unknown`,
   *   `agent_quarantined`, `stale_ordinal`
   * @throws Rejected for a URL that is none, see {@link canonicalUrl}.
   */
  async propose(
    owner: { readonly tenant: string; readonly agent: string },
    body: ProposeBody,
    options: { readonly idempotencyKey?: string | undefined; readonly waitMs: number },
  ): Promise<Proposed> {
    const resource = { ...body.resource, url: canonicalUrl(body.resource.url) };
    const { intent, opening } = intentOf(owner, { ...body, resource }, options.idempotencyKey);
    return this.#submitAndFollow(intent, opening, options.waitMs);
  }

  /**
   * Takes an intent that came as a message: begins its payment, finds it, or claims it. Waits for nobody: what becomes
   * of the payment is told as it happens.
   *
   * @param message.id names the purchase, as an Idempotency-Key does.
   * @param message.fresh whether it may begin or claim anything; an old one only finds what it began.
   * @param message.resubmittedBy the person who let it be handled once more
   * @throws Refused and Rejected as {@link propose}, and Refused `message_too_old`
   */
  async accept(
    owner: { readonly tenant: string; readonly agent: string },
    body: ProposeBody,
    message: {
      readonly id: string;
      readonly fresh: boolean;
      readonly resubmittedBy?: string | undefined;
    },
  ): Promise<Payment> {
    const { id, fresh, resubmittedBy } = message;
    const resource = {
      ...body.resource,
      url: canonicalUrl(body.resource.url, 'data.resource.url'),
    };
    const { intent, opening } = intentOf(owner, { ...body, resource }, id);
    const { paymentId } = await this.#submit(
      { ...intent, messageId: id, ...(resubmittedBy !== undefined && { resubmittedBy }) },
      opening,
      fresh,
    );
    const payment = this.ownPayment(owner, paymentId);
    // Only another message is a retry; the same one, come again, is not the agent calling a second time.
    if (!fresh || payment.intent.messageId === id) return payment;
    return this.#claimIfCleared(paymentId, intent);
  }

  /** An operator's order to move funds to the treasury; policy denies any other destination. */
  async withdraw(
    order: { readonly tenant: string; readonly wallet: string; readonly person: string },
    body: { network: string; asset: string; amount: string; to: string },
    idempotencyKey: string | undefined,
  ): Promise<Proposed> {
    const { tenant, wallet, person } = order;
    const agents = this.#host.control.tenants.get(tenant)?.agents ?? new Map<string, never>();
    const agent = [...agents].find(([, it]) => it.wallets.includes(wallet))?.[0];
    if (agent === undefined)
      throw new Refused('wallet_unknown', `no agent pays from wallet "${wallet}"`);
    const resource = withdrawalOf(wallet);
    const quote = Quote.parse({
      scheme: 'exact',
      network: body.network,
      asset: body.asset,
      amount: body.amount,
      payTo: body.to,
      maxTimeoutSeconds: 60,
    });
    const { intent } = intentOf({ tenant, agent }, { quote, resource }, idempotencyKey);
    const ordered: Intent = { ...intent, kind: 'withdrawal', orderedBy: person };
    return this.#submitAndFollow(ordered, undefined, 0);
  }

  /** Records that the paid thing arrived: from here on the same purchase may be made again. */
  async reportDelivery(
    owner: { readonly tenant: string; readonly agent: string },
    paymentId: string,
    report: { readonly status: number; readonly responseDigest?: string | undefined },
  ): Promise<ReadBack> {
    const payment = this.ownPayment(owner, paymentId);
    const { status, responseDigest } = report;
    const cause = payment.intentId;
    const statement = {
      ...owner,
      paymentId,
      status,
      ...(responseDigest !== undefined && { responseDigest }),
    };
    const record = async (change: { duringRenewal?: true } = {}) => {
      const told = { ...statement, ...change };
      const data = await signStatement(this.#key, 'delivery.reported', told, cause);
      return this.#host.append('delivery.reported', data, { cause });
    };
    const first = await record();
    // Said only where it is needed, as a replica of an older version cannot read it.
    const isRenewed = typeof fixedOf(this.ownPayment(owner, paymentId))?.renews === 'string';
    const back =
      first.code === 'not_waiting' && isRenewed ? await record({ duringRenewal: true }) : first;
    return back.code === 'duplicate' ? back : expectApplied(back);
  }

  /** @throws Refused `payment_unknown`, also for another agent's payment: its existence is not told. */
  ownPayment(
    owner: { readonly tenant: string; readonly agent?: string },
    paymentId: string,
  ): Payment {
    const payment = this.#host.payment(paymentId);
    const own =
      payment?.tenant === owner.tenant &&
      (owner.agent === undefined || payment.agent === owner.agent);
    if (!payment || !own) throw new Refused('payment_unknown');
    return payment;
  }

  async #submitAndFollow(
    intent: Intent,
    opening: Opening | undefined,
    waitMs: number,
  ): Promise<Proposed> {
    const submitted = await this.#submit(intent, opening);
    const { timers, waitPeopleMs } = { timers: this.#timers, waitPeopleMs: waitMs };
    const first = await this.#claimIfCleared(submitted.paymentId, intent);
    await this.#askForRenewal(first);
    const settled = await this.#host.waitFor(first.id, machineIsDone, {
      timers,
      waitMs: MACHINE_WAIT_MS,
    });
    if (settled.phase.status !== 'awaiting' || waitPeopleMs <= 0)
      return { payment: settled, replayed: submitted.replayed };
    const after = await this.#host.waitFor(first.id, (it) => it.phase.status !== 'awaiting', {
      timers,
      waitMs: waitPeopleMs,
    });
    return { payment: after, replayed: submitted.replayed };
  }

  async #submit(
    intent: Intent,
    opening: Opening | undefined,
    mayBegin = true,
  ): Promise<{ paymentId: string; replayed: boolean }> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const lane = this.#host.laneFor(intent.tenant, intent.agent);
      const seen = outlook(agentOf(lane, intent.tenant, intent.agent), lane.atMs, intent);
      if (seen.kind === 'refused')
        throw new Refused(seen.code, undefined, { paymentId: seen.paymentId });
      if (seen.kind === 'same' && seen.known) return { paymentId: seen.paymentId, replayed: true };
      if (!mayBegin) throw new Refused('message_too_old');
      const ordinal = seen.kind === 'new' ? seen.ordinal : 0;
      const paymentId = paymentIdOf(lane.lane, intent, intent.purchase, ordinal);
      const back = await this.#host.append(
        'intent.submitted',
        { ...intent, ordinal, paymentId },
        { cause: intent.requestDigest, ...(opening && { openings: { purpose: opening } }) },
      );
      if (seen.kind === 'same' && back.applied)
        return { paymentId: seen.paymentId, replayed: true };
      if (back.applied) return { paymentId, replayed: false };
      if (back.code === 'duplicate' && back.paymentId !== null)
        return { paymentId: back.paymentId, replayed: true };
      if (back.code !== 'stale_ordinal') expectApplied(back);
    }
    throw new Refused('stale_ordinal');
  }

  /** A retry after people consented brings the fresh quote; whoever's claim is first counts. */
  async #claimIfCleared(paymentId: string, intent: Intent): Promise<Payment> {
    const payment = this.ownPayment({ tenant: intent.tenant }, paymentId);
    if (payment.phase.status !== 'cleared') return payment;
    await this.#host.append(
      'payment.claimed',
      {
        tenant: payment.tenant,
        agent: payment.agent,
        paymentId,
        round: payment.round + 1,
        quote: intent.quote,
        resource: intent.resource,
      },
      { cause: payment.phase.decision.id },
    );
    return this.ownPayment({ tenant: intent.tenant }, paymentId);
  }

  /** A retry gets the recorded bytes; where their time runs out, the fold says whether they are renewed. */
  async #askForRenewal({ phase, tenant, agent, id: paymentId }: Payment): Promise<void> {
    if (phase.status !== 'signed' || phase.observed || phase.fixed.renewalWanted) return;
    if (!isRunningOut(phase.fixed, this.#clock.nowMs())) return;
    const { authorizationDigest } = phase.fixed;
    const about = { tenant, agent, paymentId, authorizationDigest };
    await this.#host.append('renewal.requested', about, { cause: authorizationDigest });
  }
}

/** The machine's own part (decide, reserve, fix, sign) takes milliseconds; this bounds a bad day. */
const MACHINE_WAIT_MS = 10_000;

function machineIsDone({ phase }: Payment): boolean {
  if (phase.status === 'signed') return !phase.fixed.renewalWanted || phase.observed !== null;
  return !['undecided', 'authorized', 'fixed'].includes(phase.status);
}

function intentOf(
  owner: { readonly tenant: string; readonly agent: string },
  body: ProposeBody,
  idempotencyKey: string | undefined,
): { intent: Intent; opening: Opening | undefined } {
  const { tenant, agent } = owner;
  const { quote, resource, task, session, category, expectedAmount, purpose } = body;
  const { again = false } = body;
  const purchase = purchaseDigest({ tenant, agent, task, resource, payTo: quote.payTo });
  const asserted = {
    ...(category !== undefined && { category }),
    ...(expectedAmount !== undefined && { expectedAmount }),
    ...(task !== undefined && { task }),
    ...(session !== undefined && { session }),
  };
  const committed = purpose === undefined ? undefined : commit(purpose);
  const request = { quote, resource, asserted, again };
  const key = idempotencyKey === undefined ? undefined : { tenant, agent, key: idempotencyKey };
  return {
    opening: committed?.opening,
    intent: {
      tenant,
      agent,
      paymentId: paymentIdOf(0, owner, purchase, 0),
      kind: 'payment',
      purchase,
      ordinal: 0,
      ...(key && { idempotencyKeyDigest: digestOf('countersign/key/1', key) }),
      // Words are part of "any changed field", but an unkeyed digest of them could be guessed open.
      requestDigest: digestOf('countersign/request/1', {
        ...request,
        ...(key && { key: key.key, purpose }),
      }),
      quote,
      resource,
      again,
      asserted,
      ...(committed && { purpose: committed.commitment }),
    },
  };
}

/**
 * One spelling per URL, so that a purchase is found again: WHATWG serialisation, without fragment or credentials.
 *
 * @throws Rejected naming the field, for anything that is not an http(s) URL.
 */
export function canonicalUrl(text: string, path = 'resource.url'): string {
  const reject = (message: string) => new Rejected([{ path, message }]);
  if (!URL.canParse(text)) throw reject('not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw reject('only http and https');
  if (url.username !== '' || url.password !== '') throw reject('credentials do not belong here');
  url.hash = '';
  return url.href;
}
