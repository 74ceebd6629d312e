import {
  type Decision,
  type EventData,
  type EventName,
  WRITERS,
  encodeEvent,
  statementText,
} from '@countersign/contracts';
import { type Payment, type TenantView, fixedOf, nonceOf, tenantOf } from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import {
  AGENTS,
  CHAIN_ID,
  KEYS,
  NETWORK,
  SESSIONS,
  type Owner,
  SIGNING_SERVICES,
  type SigningService,
  STRANGER,
} from '../cast.ts';
import type { Dice } from '../dice.ts';
import { policyText } from '../policies.ts';
import type { World } from '../world.ts';

const CAUSE = 'forged';
/** Events that stand in the log without a signature. */
const UNSIGNED: readonly EventName[] = [
  'payment.claimed',
  'approval.completed',
  'approval.expired',
  'settlement.submitted',
];

/** Makes records in the name of our services, signed with a key that is not theirs, or with the one that was stolen. */
export class Forger {
  readonly world: World;
  readonly dice: Dice;
  readonly #stolen: SigningService | undefined;

  constructor(world: World, dice: Dice, stolen?: SigningService) {
    this.world = world;
    this.dice = dice;
    this.#stolen = stolen;
  }

  forge<N extends EventName>(
    name: N,
    data: Omit<EventData<N>, 'signature'>,
    lane: number | string,
  ): void {
    const isTheirs = this.#stolen !== undefined && WRITERS[name] === this.#stolen;
    const said = this.dice.pick(['outsider', ...SIGNING_SERVICES] as const);
    const key = isTheirs && this.#stolen ? KEYS[this.#stolen] : KEYS.outsider;
    const value = key.sign(statementText(name, CAUSE, data));
    const signature = { keyId: isTheirs ? key.keyId : KEYS[said].keyId, value };
    const forged = UNSIGNED.includes(name) ? data : { ...data, signature };
    this.append(String(lane), encodeEvent(name, forged as EventData<N>, CAUSE).bytes);
  }

  append(lane: string, bytes: Uint8Array): void {
    this.world.store.appendNow([{ lane, key: 'outsider', bytes }]);
  }

  /** Appends to the lane of a payment. */
  about<N extends EventName>(
    payment: Payment,
    name: N,
    data: Omit<EventData<N>, 'signature' | 'tenant' | 'agent' | 'paymentId'>,
  ): void {
    const { tenant, agent, id: paymentId } = payment;
    const whole = { ...data, tenant, agent, paymentId } as unknown as Omit<
      EventData<N>,
      'signature'
    >;
    this.forge(name, whole, this.world.history.laneOf(payment));
  }

  /** What the payment's lane sees of its tenant, and its mark. */
  seen(payment: Payment): { view: TenantView; through: number } | undefined {
    const lane = this.world.history.reference[this.world.history.laneOf(payment)];
    return lane && { view: tenantOf(lane.view, payment.tenant), through: lane.through };
  }
}

type PaymentForgery = (forger: Forger, payment: Payment) => void;
type ControlForgery = (forger: Forger, owner: Owner) => void;

/** A decision in the shape of a real one, for a payment that waits for its own. */
const decide: PaymentForgery = (forger, payment) => {
  const { lanes } = forger.world.history;
  const model = forger.dice.pick(lanes).findLast((it) => it.event?.name === 'decision.made');
  const seen = forger.seen(payment);
  if (model?.event?.name !== 'decision.made' || !seen) return;
  const { decision } = model.event.data;
  const { active } = seen.view;
  const { quote, resource, round } = payment;
  const forged: Decision = {
    ...decision,
    policy: active && { version: active.version, hash: active.hash },
    facts: { ...decision.facts, quote, resource },
    verdict: { ...decision.verdict, outcome: 'allow', requirement: { kind: 'none' } },
  };
  const { through } = seen;
  forger.about(payment, 'decision.made', {
    round,
    through,
    decision: forged,
    proceed: 'authorize',
  });
};

/** The claim of an authorization, some for decades. */
const fix: PaymentForgery = (forger, payment) => {
  const { tenant, agent, id, quote, phase } = payment;
  const view = forger.seen(payment)?.view;
  const wallet = view?.wallets.get(view.agents.get(agent)?.wallets[0] ?? '');
  if (!wallet) return;
  const authorization = {
    chainId: CHAIN_ID,
    token: quote.asset,
    from: wallet.address,
    to: quote.payTo,
    value: quote.amount,
    nonce: forger.dice.chance(0.8) ? nonceOf(tenant, id) : `0x${'9'.repeat(64)}`,
    validAfter: 0,
    validBefore: Math.floor(forger.world.scheduler.nowMs / 1_000) + forger.dice.pick([30, 10 ** 9]),
  };
  const decisionId = 'decision' in phase ? phase.decision.id : payment.intentId;
  const claim = { decisionId, walletId: wallet.id, authorization, atBlock: 0 };
  forger.about(payment, 'authorization.fixed', claim);
};

const sign: PaymentForgery = (forger, payment) => {
  const authorizationDigest = fixedOf(payment)?.authorizationDigest;
  if (authorizationDigest === undefined) return;
  const bytes = `0x${'00'.repeat(65)}`;
  forger.about(payment, 'signing.completed', { authorizationDigest, bytes });
};

const grant: PaymentForgery = (forger, payment) => {
  if (payment.phase.status !== 'awaiting') return;
  const { quoteDigest, decisionId } = payment.phase.approval;
  const person = forger.dice.pick(['ann', 'bob', 'cat', 'mallory']);
  forger.about(payment, 'approval.granted', { person, quoteDigest, decisionId });
};

const refuse: PaymentForgery = (forger, payment) => {
  const { phase, intentId } = payment;
  const decisionId = 'decision' in phase ? phase.decision.id : intentId;
  forger.about(payment, 'signing.refused', { decisionId, code: 'denied', why: '' });
};

const evidence: PaymentForgery = (forger, payment) => {
  const { chain, scheduler } = forger.world;
  const block = { ...chain.at('latest', 0), timeMs: scheduler.nowMs + 10_000_000 };
  const transfer = { transactionHash: block.hash, logIndex: 0, block };
  const found = 'something else';
  forger.dice.pick([
    () => forger.about(payment, 'authorization.void', { finalized: block }),
    () => forger.about(payment, 'authorization.canceled', { transfer }),
    () => forger.about(payment, 'settlement.final', { transfer }),
    () => forger.about(payment, 'settlement.reverted', { head: block }),
    () => forger.about(payment, 'settlement.mismatched', { found }),
  ])();
};

const open: PaymentForgery = (forger, payment) =>
  forger.about(payment, 'approval.opened', { round: payment.round });
const complete: PaymentForgery = (forger, payment) =>
  forger.about(payment, 'approval.completed', { round: payment.round });
const expire: PaymentForgery = (forger, payment) =>
  forger.about(payment, 'approval.expired', {
    cause: forger.dice.pick(['unanswered', 'not_notified', 'unclaimed']),
  });
const claim: PaymentForgery = (forger, { round, ...payment }) =>
  forger.about({ ...payment, round }, 'payment.claimed', {
    round: round + 1,
    quote: payment.quote,
    resource: payment.resource,
  });
const deliver: PaymentForgery = (forger, payment) =>
  forger.about(payment, 'delivery.reported', { status: 200 });
const unfreeze: PaymentForgery = (forger, payment) => {
  const { tenant, agent } = payment;
  const lane = forger.world.history.laneOf(payment);
  forger.forge('agent.unfrozen', { tenant, agent, by: 'owner' }, lane);
};
const openTask: PaymentForgery = (forger, payment) => {
  const { tenant, agent } = payment;
  const lane = forger.world.history.laneOf(payment);
  forger.forge('task.opened', { tenant, agent, task: 'survey', by: 'owner' }, lane);
};

const openSession: PaymentForgery = (forger, payment) => {
  const { tenant, agent } = payment;
  const lane = forger.world.history.laneOf(payment);
  const session = forger.dice.pick(SESSIONS);
  forger.forge('session.opened', { tenant, agent, session, lifetimeMs: 10 ** 9, by }, lane);
};

const raiseCeiling: PaymentForgery = (forger, payment) => {
  const { tenant, agent } = payment;
  const lane = forger.world.history.laneOf(payment);
  const terms = { unit: 'USD', ceiling: '999000000' };
  forger.forge('task.terms_set', { tenant, agent, task: 'survey', by: 'owner', ...terms }, lane);
};

export const PAYMENT_FORGERIES: readonly PaymentForgery[] = [
  ...[decide, decide, fix, fix, sign, grant, grant, refuse, evidence, evidence],
  ...[open, complete, expire, claim, deliver, unfreeze, openTask, openSession, raiseCeiling],
];

const by = 'owner';
const credentialDigest = 'c'.repeat(64);

const registerSeller: ControlForgery = (forger, { tenant }) => {
  forger.forge('seller.registered', { tenant, seller: MALLORY, by }, CONTROL);
};

const MALLORY = {
  seller: 'mallory',
  domain: 'news.example',
  payTo: [{ network: NETWORK, address: STRANGER }],
  trust: 'verified' as const,
  category: 'data',
  jurisdiction: 'DE',
  takes: 'any' as const,
  routes: [],
};

const addPerson: ControlForgery = (forger, { tenant }) => {
  const roles: EventData<'person.added'>['roles'] = ['approver', 'operator'];
  forger.forge('person.added', { tenant, person: 'mallory', roles, credentialDigest, by }, CONTROL);
};

const replaceCredential: ControlForgery = (forger, { tenant, agent }) =>
  forger.forge('agent.credential_replaced', { tenant, agent, credentialDigest, by }, CONTROL);
const setMessageKeys: ControlForgery = (forger, { tenant, agent }) => {
  const keys = { signing: 'A'.repeat(43) };
  forger.forge('agent.message_keys_set', { tenant, agent, keys, by }, CONTROL);
};
const openEpoch: ControlForgery = (forger, { tenant }) =>
  forger.forge('budget.epoch', { tenant, why: 'because' }, CONTROL);
const freezeAll: ControlForgery = (forger, { tenant }) =>
  forger.forge('tenant.frozen', { tenant, by }, CONTROL);
const unfreezeAll: ControlForgery = (forger, { tenant }) =>
  forger.forge('tenant.unfrozen', { tenant, by }, CONTROL);

const putPolicy: ControlForgery = (forger, { tenant }) => {
  const known = forger.world.history.views.at(-1);
  const version = known ? tenantOf(known, tenant).policies.size + 1 : 1;
  const text = policyText({ amounts: 1_000, quorum: 1, again: true, delaySeconds: 0 }, 666);
  forger.forge('policy.put', { tenant, version, hash: 'a'.repeat(64), text, by }, CONTROL);
};

/** What was in force once, and loose. */
const activatePolicy: ControlForgery = (forger, { tenant }) => {
  const known = forger.world.history.views.at(-1);
  const [old] = known ? tenantOf(known, tenant).policies.values() : [];
  if (!old) return;
  const { version, hash } = old;
  forger.forge('policy.activated', { tenant, version, hash, by: 'ann' }, CONTROL);
};

/** Something looser, ordered long ago by somebody. */
const scheduleChange: ControlForgery = (forger, { tenant }) => {
  const seller = { ...MALLORY, domain: 'late.example' };
  const loosens = ['nothing much'];
  const change = { kind: 'seller.registered' as const, seller };
  forger.forge('change.scheduled', { tenant, change, loosens, by: 'ann' }, CONTROL);
};

/** An account of nobody, or one that is somebody else's. */
const handOver: ControlForgery = (forger, { tenant }) => {
  const owner = `0x${'6'.repeat(128)}`;
  const account = AGENTS.find((it) => it.tenant === tenant)?.account ?? 'none';
  const about = { tenant, wallet: account, network: NETWORK, owner, at: BLOCK };
  forger.forge('wallet.deployed', about, CONTROL);
  forger.forge('wallet.rotation_ordered', { tenant, wallet: account, by }, CONTROL);
  forger.forge('wallet.key_renewed', { tenant, wallet: account, owner, keyVersion: 2 }, CONTROL);
  forger.forge('wallet.rotated', { ...about, keyVersion: 2 }, CONTROL);
};
const BLOCK = { number: 1, hash: `0x${'6'.repeat(64)}`, timeMs: 1 };

export const CONTROL_FORGERIES: readonly ControlForgery[] = [
  ...[registerSeller, addPerson, replaceCredential, setMessageKeys, openEpoch],
  ...[freezeAll, unfreezeAll, putPolicy, activatePolicy, scheduleChange, handOver],
];
