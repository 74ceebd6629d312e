import {
  type ControlEvent,
  type Decision,
  type EventData,
  type LaneEventName,
  type Quote,
  type Requirement,
  type Seller,
  decodeEvent,
  encodeEvent,
  isLaneEvent,
  quoteDigest,
} from '@countersign/contracts';
import { InvariantViolation } from '@countersign/kernel';
import {
  type ControlView,
  EMPTY_CONTROL,
  type Judgement,
  type LaneState,
  type Payment,
  type TablesOf,
  agentOf,
  emptyLane,
  establishFacts,
  foldControl,
  foldLane,
  nonceOf,
  outlook,
  paymentIdOf,
  purchaseDigest,
  quarantining,
  tenantOf,
} from '@countersign/payment';

export const USDC = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const NETWORK = 'eip155:84532';
export const PAYEE = `0x${'a1'.repeat(20)}`;
export const WALLET = `0x${'b2'.repeat(20)}`;
export const OWNER = { tenant: 'default', agent: 'research-1' };
/** The shape of a signature where a test does not verify it. */
export const SIGNATURE = { keyId: 'test', value: 'A'.repeat(86) };
const HASH = '1'.repeat(64);
const BLOCK_HASH = `0x${'c'.repeat(64)}`;

export const SELLER: Seller = {
  seller: 'embeddings',
  domain: 'api.example.com',
  payTo: [{ network: NETWORK, address: PAYEE }],
  trust: 'known',
  category: 'embedding',
  jurisdiction: 'DE',
  takes: 'any',
  routes: [],
};

export function quoteOf(change: Partial<Quote> = {}): Quote {
  return {
    scheme: 'exact',
    network: NETWORK,
    asset: USDC,
    amount: '20000',
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
    ...change,
  };
}

/** One lane with one agent, driven record by record at times the test says. */
export class LaneBench {
  readonly lane: LaneState;
  control: ControlView = EMPTY_CONTROL;
  readonly #views = new Map<number, ControlView>();
  readonly #fold = quarantining(foldLane);
  #cause = 0;

  /** @param tablesOf where the lane keeps what grows; in memory when left out. */
  constructor(tablesOf?: TablesOf) {
    const tenant = 'default';
    this.change('wallet.requested', { tenant, wallet: 'w1', by: 'owner', signature: SIGNATURE });
    this.change('wallet.created', {
      tenant,
      wallet: 'w1',
      kind: 'eoa-secp256k1',
      address: WALLET,
      signature: SIGNATURE,
    });
    this.change('agent.added', {
      ...OWNER,
      wallet: 'w1',
      credentialDigest: 'd'.repeat(64),
      by: 'owner',
      signature: SIGNATURE,
    });
    this.putPolicy('one');
    this.lane = emptyLane(0, 1, EMPTY_CONTROL, tablesOf);
    this.mark(0);
  }

  /** Appends to control; the lane sees it after {@link mark}. */
  change<N extends ControlEvent['name']>(name: N, data: EventData<N>, atMs = 0): boolean {
    const event = reread(name, data, `control/${this.control.offset}`) as ControlEvent;
    const judged = foldControl(
      this.control,
      { offset: this.control.offset + 1, stampMs: atMs },
      event,
    );
    this.control = judged.view;
    this.#views.set(judged.view.offset, judged.view);
    return judged.applied;
  }

  /** Puts and activates a policy whose text is only a name: the fold compares hashes and reads nothing. */
  putPolicy(text: string): void {
    const version = tenantOf(this.control, 'default').policies.size + 1;
    const hash = version.toString(16).padStart(64, '0');
    const data = { tenant: 'default', version, hash, by: 'owner', signature: SIGNATURE };
    this.change('policy.put', { ...data, text });
    this.change('policy.activated', data);
  }

  mark(atMs: number): Judgement {
    return this.record(
      'mark.made',
      { lane: 0, through: this.control.offset, signature: SIGNATURE },
      atMs,
    );
  }

  record<N extends LaneEventName>(
    name: N,
    data: EventData<N>,
    atMs: number,
    cause?: string,
  ): Judgement {
    this.#cause += 1;
    const event = reread(name, data, cause ?? `test/${this.#cause}`);
    if (!isLaneEvent(event)) throw new InvariantViolation(`${name} is no lane record`);
    return this.#fold(this.lane, atMs, event, (offset) => this.#views.get(offset));
  }

  /** Submits an intent as intake would; returns the judgement and the payment it is about. */
  submit(
    atMs: number,
    change: {
      quote?: Partial<Quote>;
      url?: string;
      body?: string;
      key?: string;
      again?: boolean;
      task?: string;
      session?: string;
    } = {},
  ): { judged: Judgement; payment: Payment | undefined } {
    const resource = {
      method: 'GET' as const,
      url: change.url ?? 'https://api.example.com/v1/embed',
      ...(change.body !== undefined && { bodyDigest: change.body }),
    };
    const quote = quoteOf(change.quote);
    const purchase = purchaseDigest({ ...OWNER, task: change.task, resource, payTo: quote.payTo });
    const draft = {
      ...OWNER,
      paymentId: paymentIdOf(0, OWNER, purchase, 0),
      kind: 'payment' as const,
      purchase,
      ordinal: 0,
      requestDigest: quoteDigest(quote, resource),
      ...(change.key !== undefined && { idempotencyKeyDigest: change.key.padEnd(64, '0') }),
      quote,
      resource,
      again: change.again ?? false,
      asserted: {
        ...(change.task !== undefined && { task: change.task }),
        ...(change.session !== undefined && { session: change.session }),
      },
    };
    const seen = outlook(agentOf(this.lane, OWNER.tenant, OWNER.agent), atMs, draft);
    const ordinal = seen.kind === 'new' ? seen.ordinal : 0;
    const paymentId = paymentIdOf(0, OWNER, purchase, ordinal);
    const judged = this.record('intent.submitted', { ...draft, ordinal, paymentId }, atMs);
    const id = judged.applied ? judged.touched[0]?.id : judged.paymentId;
    return { judged, payment: id === undefined ? undefined : this.payment(id) };
  }

  payment(id: string): Payment {
    const payment = agentOf(this.lane, OWNER.tenant, OWNER.agent).payments.get(id);
    if (!payment) throw new InvariantViolation(`no payment ${id}`);
    return payment;
  }

  /** A decision over the payment as it stands, with whatever outcome the test needs. */
  decide(
    payment: Payment,
    atMs: number,
    how: {
      requirement?: Requirement;
      proceed?: 'authorize' | 'ask' | 'end';
      through?: number;
    } = {},
  ): Judgement {
    const requirement = how.requirement ?? { kind: 'none' };
    const proceed = how.proceed ?? (requirement.kind === 'none' ? 'authorize' : 'ask');
    const data = {
      ...OWNER,
      paymentId: payment.id,
      round: payment.round,
      through: how.through ?? this.lane.through,
      decision: this.decision(payment, requirement, proceed),
      proceed,
      signature: SIGNATURE,
    };
    return this.record('decision.made', data, atMs);
  }

  decision(payment: Payment, requirement: Requirement, proceed: string): Decision {
    const agent = agentOf(this.lane, OWNER.tenant, OWNER.agent);
    const view = tenantOf(this.lane.view, OWNER.tenant);
    const { active } = view;
    return {
      policy: active && { version: active.version, hash: active.hash },
      facts: establishFacts({
        intent: payment.intent,
        quote: payment.quote,
        resource: payment.resource,
        atMs: payment.quotedAtMs,
        view,
        agentFrozen: agent.frozen,
        openTasks: agent.tasks,
        taskTerms: payment.taskTerms,
        session: payment.session,
      }),
      answer:
        proceed === 'end'
          ? null
          : {
              epoch: view.epoch,
              sequence: 1,
              atMs: payment.quotedAtMs,
              tier: 'tier-1',
              readings: [],
            },
      verdict: {
        outcome: proceed === 'end' ? 'deny' : requirement.kind === 'none' ? 'allow' : 'review',
        tier: 'tier-1',
        prohibited: false,
        flags: [],
        requirement,
        maxLifetimeMs: 60_000,
        amountUnits: payment.quote.amount,
        reasons: ['test'],
        trace: [],
      },
    };
  }

  /** Fixes the authorization the signer would fix. */
  fix(payment: Payment, atMs: number, change: { nonce?: string; to?: string } = {}): Judgement {
    const { phase, quote } = payment;
    const authorization = {
      chainId: 84532,
      token: quote.asset,
      from: WALLET,
      to: change.to ?? quote.payTo,
      value: quote.amount,
      nonce: change.nonce ?? nonceOf(OWNER.tenant, payment.id),
      validAfter: 0,
      validBefore: Math.floor(atMs / 1000) + 60,
    };
    const decisionId = 'decision' in phase ? phase.decision.id : HASH;
    return this.record(
      'authorization.fixed',
      {
        ...OWNER,
        paymentId: payment.id,
        decisionId,
        walletId: 'w1',
        authorization,
        atBlock: 1,
        signature: SIGNATURE,
      },
      atMs,
    );
  }

  sign(payment: Payment, atMs: number): Judgement {
    const { phase } = payment;
    if (phase.status !== 'fixed') throw new InvariantViolation('nothing to sign');
    const { authorizationDigest } = phase.fixed;
    const bytes = `0x${'ab'.repeat(65)}`;
    return this.record(
      'signing.completed',
      { ...OWNER, paymentId: payment.id, authorizationDigest, bytes, signature: SIGNATURE },
      atMs,
    );
  }

  /** The payment of an allowed and signed intent, at `atMs`. */
  signed(atMs: number, change: Parameters<LaneBench['submit']>[1] = {}): Payment {
    const { payment } = this.submit(atMs, change);
    if (!payment) throw new InvariantViolation('the intent made no payment');
    this.decide(payment, atMs);
    this.fix(this.payment(payment.id), atMs);
    this.sign(this.payment(payment.id), atMs);
    return this.payment(payment.id);
  }

  /** A transfer seen in a block of the given time. */
  static transfer(timeMs: number) {
    return {
      transactionHash: BLOCK_HASH,
      logIndex: 0,
      block: { number: 7, hash: BLOCK_HASH, timeMs },
    };
  }

  settle(payment: Payment, atMs: number): Judgement {
    const transfer = LaneBench.transfer(atMs);
    return this.record(
      'settlement.final',
      { ...OWNER, paymentId: payment.id, transfer, signature: SIGNATURE },
      atMs,
    );
  }
}

/** What a reader of the log would see of an event: every bench record passes through its bytes. */
function reread<N extends LaneEventName | ControlEvent['name']>(
  name: N,
  data: EventData<N>,
  cause: string,
) {
  const event = decodeEvent(encodeEvent(name, data, cause).bytes);
  if ('undecodable' in event) throw new InvariantViolation(event.undecodable);
  return event;
}
