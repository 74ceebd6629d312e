import {
  type Decision,
  type EventData,
  type EventName,
  decodeEvent,
  encodeEvent,
  statementText,
} from '@countersign/contracts';
import { type Payment, fixedOf, nonceOf, tenantOf } from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import { AGENTS, CHAIN_ID, KEYS, NETWORK, STRANGER } from '../cast.ts';
import type { Dice } from '../dice.ts';
import type { Seen } from '../history.ts';
import { policyText } from '../policies.ts';
import type { World } from '../world.ts';

/** Somebody who can append to the log and read it, and has none of our keys. */
export function outsiderAtWork(world: World): void {
  const dice = world.dice.fork('outsider');
  const outsider = new Outsider(world, dice);
  const next = () => {
    if (world.weather.isCalm) return;
    outsider.act();
    world.scheduler.after(dice.between(200, 8_000), 'an outsider acts', next);
  };
  world.scheduler.after(5_000, 'an outsider begins', next);
}

const TRICKS = {
  repeat: 4,
  misplace: 2,
  garble: 2,
  transplant: 3,
  decide: 4,
  claim: 3,
  fix: 4,
  grant: 4,
  open: 2,
  evidence: 4,
  unfreeze: 3,
  control: 4,
  refuse: 2,
  sign: 2,
  mark: 2,
};

const CAUSE = 'forged';

class Outsider {
  readonly #world: World;
  readonly #dice: Dice;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
  }

  act(): void {
    const trick = this.#dice.weighted(TRICKS);
    this.#world.weather.count(`outsider: ${trick}`);
    const seen = this.#anyRecord();
    switch (trick) {
      case 'repeat':
        return seen && this.#append(seen.record.lane, seen.record.bytes);
      case 'misplace':
        return seen && this.#append(this.#dice.pick([CONTROL, '0', '1', '2']), seen.record.bytes);
      case 'garble':
        return seen && this.#append(seen.record.lane, garbled(seen.record.bytes, this.#dice));
      case 'transplant':
        return this.#transplant(seen);
      case 'unfreeze':
        return this.#unfreeze();
      case 'control':
        return this.#control();
      case 'mark': {
        const lane = this.#dice.between(0, 2);
        return this.#forge('mark.made', { lane, through: this.#dice.pick([0, 3, 1_000_000]) }, lane);
      }
      default: {
        const payment = this.#anyPayment();
        return payment && this.#forgeFor(payment, trick);
      }
    }
  }

  #forgeFor(payment: Payment, trick: Exclude<keyof typeof TRICKS, 'repeat'>): void {
    const { tenant, agent, id: paymentId, round } = payment;
    const about = { tenant, agent, paymentId };
    const lane = this.#world.history.laneOf(about);
    switch (trick) {
      case 'decide':
        return this.#decide(payment, lane);
      case 'claim':
        return this.#forge(
          'payment.claimed',
          { ...about, round: round + 1, quote: payment.quote, resource: payment.resource },
          lane,
        );
      case 'fix':
        return this.#fix(payment, lane);
      case 'grant':
        return this.#grant(payment, lane);
      case 'open':
        return this.#forge('approval.opened', { ...about, round }, lane);
      case 'evidence':
        return this.#evidence(payment, lane);
      case 'refuse': {
        const decisionId = 'decision' in payment.phase ? payment.phase.decision.id : payment.intentId;
        return this.#forge('signing.refused', { ...about, decisionId, code: 'denied', why: '' }, lane);
      }
      case 'sign': {
        const fixed = fixedOf(payment);
        if (!fixed) return;
        const { authorizationDigest } = fixed;
        const bytes = `0x${'00'.repeat(65)}`;
        return this.#forge('signing.completed', { ...about, authorizationDigest, bytes }, lane);
      }
      default:
        return undefined;
    }
  }

  /** A decision in the shape of a real one, for a payment that waits for its own. */
  #decide(payment: Payment, lane: number): void {
    const model = this.#lastOf('decision.made');
    if (model?.event?.name !== 'decision.made') return;
    const { decision } = model.event.data;
    const { tenant, agent, id: paymentId, round } = payment;
    const view = tenantOf(this.#world.history.reference[lane]?.view ?? emptyView, tenant);
    const forged: Decision = {
      ...decision,
      policy: view.active && { version: view.active.version, hash: view.active.hash },
      facts: { ...decision.facts, quote: payment.quote, resource: payment.resource },
      verdict: { ...decision.verdict, outcome: 'allow', requirement: { kind: 'none' } },
    };
    const through = this.#world.history.reference[lane]?.through ?? 0;
    const data = { tenant, agent, paymentId, round, through, decision: forged };
    this.#forge('decision.made', { ...data, proceed: 'authorize' }, lane);
  }

  /** A real authorization's record with more time, or the whole claim made up. */
  #fix(payment: Payment, lane: number): void {
    const { tenant, agent, id: paymentId, quote, phase } = payment;
    const view = tenantOf(this.#world.history.reference[lane]?.view ?? emptyView, tenant);
    const wallet = view.wallets.get(view.agents.get(agent)?.wallet ?? '');
    if (!wallet) return;
    const authorization = {
      chainId: CHAIN_ID,
      token: quote.asset,
      from: wallet.address,
      to: quote.payTo,
      value: quote.amount,
      nonce: this.#dice.chance(0.8) ? nonceOf(tenant, paymentId) : `0x${'9'.repeat(64)}`,
      validAfter: 0,
      validBefore: Math.floor(this.#world.scheduler.nowMs / 1_000) + this.#dice.pick([30, 1_000_000]),
    };
    const decisionId = 'decision' in phase ? phase.decision.id : payment.intentId;
    const data = { tenant, agent, paymentId, decisionId, walletId: wallet.id, authorization };
    this.#forge('authorization.fixed', { ...data, atBlock: 0 }, lane);
  }

  #grant(payment: Payment, lane: number): void {
    if (payment.phase.status !== 'awaiting') return;
    const { tenant, agent, id: paymentId, phase } = payment;
    const { quoteDigest, decisionId } = phase.approval;
    const person = this.#dice.pick(['ann', 'bob', 'cat', 'mallory']);
    this.#forge('approval.granted', { tenant, agent, paymentId, person, quoteDigest, decisionId }, lane);
  }

  #evidence({ tenant, agent, id: paymentId }: Payment, lane: number): void {
    const about = { tenant, agent, paymentId };
    const { chain, scheduler } = this.#world;
    const block = { ...chain.at('latest', 0), timeMs: scheduler.nowMs + 10_000_000 };
    const transfer = { transactionHash: block.hash, logIndex: 0, block };
    const name = this.#dice.pick(['void', 'canceled', 'final', 'mismatched'] as const);
    if (name === 'void') this.#forge('authorization.void', { ...about, finalized: block }, lane);
    if (name === 'canceled') this.#forge('authorization.canceled', { ...about, transfer }, lane);
    if (name === 'final') this.#forge('settlement.final', { ...about, transfer }, lane);
    if (name === 'mismatched') this.#forge('settlement.mismatched', { ...about, found: 'x' }, lane);
  }

  #unfreeze(): void {
    const { tenant, agent } = this.#dice.pick(AGENTS);
    const lane = this.#world.history.laneOf({ tenant, agent });
    if (this.#dice.chance(0.5)) this.#forge('agent.unfrozen', { tenant, agent, by: 'owner' }, lane);
    else this.#forge('tenant.unfrozen', { tenant, by: 'owner' }, CONTROL);
  }

  /** Makes itself a seller, a person, an agent's credential, or the policy something looser. */
  #control(): void {
    const { tenant, agent } = this.#dice.pick(AGENTS);
    const by = 'owner';
    const credentialDigest = 'c'.repeat(64);
    const text = policyText({ amounts: 1_000, quorum: 1, again: true }, 666);
    const known = this.#world.history.views.at(-1) ?? emptyView;
    const [old] = tenantOf(known, tenant).policies.values();
    const seller = {
      seller: 'mallory',
      domain: 'news.example',
      payTo: [{ network: NETWORK, address: STRANGER }],
      trust: 'verified' as const,
      category: 'data',
      jurisdiction: 'DE',
      takes: 'any' as const,
      routes: [],
    };
    const tricks: (() => void)[] = [
      () => this.#forge('seller.registered', { tenant, seller, by }, CONTROL),
      () => this.#forge('agent.credential_replaced', { tenant, agent, credentialDigest, by }, CONTROL),
      () => this.#forge('budget.epoch', { tenant, why: 'because' }, CONTROL),
      () => this.#forge('tenant.frozen', { tenant, by }, CONTROL),
      () => {
        const person = 'mallory';
        const roles: EventData<'person.added'>['roles'] = ['approver', 'operator'];
        this.#forge('person.added', { tenant, person, roles, credentialDigest, by }, CONTROL);
      },
      () => {
        if (!old) return;
        const { version, hash } = old;
        this.#forge('policy.activated', { tenant, version, hash, by: 'ann' }, CONTROL);
      },
      () => {
        const version = tenantOf(known, tenant).policies.size + 1;
        const hash = 'a'.repeat(64);
        this.#forge('policy.put', { tenant, version, hash, text, by }, CONTROL);
      },
    ];
    this.#dice.pick(tricks)();
  }

  /** A genuine statement about one payment, as if it had been made about another. */
  #transplant(seen: Seen | undefined): void {
    const payment = this.#anyPayment();
    const event = seen?.event;
    if (!payment || !event || !('paymentId' in event.data) || event.name === 'intent.submitted') return;
    const { tenant, agent, id: paymentId, round } = payment;
    const fits = 'round' in event.data && event.name !== 'payment.claimed' ? { round } : {};
    const moved = { ...event.data, tenant, agent, paymentId, ...fits };
    const lane = this.#world.history.laneOf(payment);
    const { bytes } = encodeEvent(event.name, moved as EventData<typeof event.name>, 'moved');
    this.#append(String(lane), bytes);
  }

  /** Signs with a key nobody trusts, under its own name or under that of the service. */
  #forge<N extends EventName>(
    name: N,
    data: Omit<EventData<N>, 'signature'>,
    lane: number | string,
  ): void {
    const keyId = this.#dice.pick([KEYS.outsider.keyId, KEYS.policy.keyId, KEYS.signer.keyId]);
    const value = KEYS.outsider.sign(statementText(name, CAUSE, data));
    const isUnsigned = name === 'payment.claimed';
    const signed = isUnsigned ? data : { ...data, signature: { keyId, value } };
    const { bytes } = encodeEvent(name, signed as EventData<N>, CAUSE);
    this.#append(String(lane), bytes);
  }

  #append(lane: string, bytes: Uint8Array): void {
    this.#world.store.appendNow([{ lane, key: 'outsider', bytes }]);
  }

  #anyRecord(): Seen | undefined {
    const { lanes, control } = this.#world.history;
    const all = this.#dice.pick([...lanes, control]);
    if (all.length === 0) return undefined;
    const recent = this.#dice.chance(0.7) ? all.slice(-30) : all;
    const seen = this.#dice.pick(recent);
    // Repeated as it is: an act that people did once may be applied only once.
    return 'undecodable' in decodeEvent(seen.record.bytes) ? undefined : seen;
  }

  #lastOf(name: EventName): Seen | undefined {
    const lane = this.#dice.pick(this.#world.history.lanes);
    return lane.findLast((seen) => seen.event?.name === name);
  }

  #anyPayment(): Payment | undefined {
    const alive = this.#world.history.payments().filter((it) => it.phase.status !== 'ended');
    return alive.length > 0 ? this.#dice.pick(alive) : undefined;
  }
}

const emptyView = { offset: -1, keys: new Map(), credentials: new Map(), tenants: new Map() };

function garbled(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = dice.between(0, copy.length - 1);
  copy[at] = (copy[at] ?? 0) ^ (1 << dice.between(0, 7));
  return copy;
}

