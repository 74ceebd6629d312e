import { generateKeyPairSync, sign } from 'node:crypto';
import {
  type EventData,
  type EventName,
  type Service,
  WRITERS,
  encodeEvent,
  quoteDigest,
  statementText,
} from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import { laneOf, nonceOf, paymentIdOf, purchaseDigest } from '@countersign/payment';
import { type AppendInput, CONTROL, type StatementKey } from '@countersign/ports';
import { NETWORK, PAYEE, WALLET, quoteOf } from './lane-bench.ts';

const TENANT = 'default';
const SERVICES = ['intake', 'policy', 'approval', 'signer', 'settlement'] as const;
const BLOCK_HASH = `0x${'c'.repeat(64)}`;
const UNSIGNED: readonly EventName[] = ['intent.submitted', 'approval.vetoed', 'reservation.ended'];
const NOBODY_WAITS = { kind: 'none' } as const;

export type Ending = 'settled' | 'vetoed';

/** A key made for one test or bench. */
export function statementKeyOf(service: Service): StatementKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const keyId = `${service}-test`;
  const signed = (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64url');
  return {
    capabilities: { inProcess: true },
    keyId,
    publicKey: publicKey.export({ format: 'jwk' }).x ?? '',
    sign: (text) => Promise.resolve(signed(text)),
  };
}

/**
 * Genuine records of any number of payments, as the services would have written them: for whoever needs a log to read,
 * short or very long.
 */
export class PaidLog {
  readonly laneCount: number;
  readonly keys: ReadonlyMap<string, StatementKey>;
  readonly agents: readonly string[];
  #cause = 0;

  constructor(laneCount: number, agentCount = 4) {
    this.laneCount = laneCount;
    this.keys = new Map(SERVICES.map((service) => [service, statementKeyOf(service)]));
    this.agents = Array.from({ length: agentCount }, (_, index) => `agent-${index}`);
  }

  /** Whose signatures are genuine. */
  get trusted(): ReadonlyMap<string, { readonly service: string; readonly publicKey: string }> {
    return new Map(
      [...this.keys].map(([service, { keyId, publicKey }]) => [keyId, { service, publicKey }]),
    );
  }

  /** A wallet, the agents, and each lane's mark after them. */
  async founding(): Promise<AppendInput[]> {
    const by = 'owner';
    const records = [
      await this.#record(CONTROL, 'wallet.requested', { tenant: TENANT, wallet: 'w1', by }),
      await this.#record(CONTROL, 'wallet.created', {
        ...{ tenant: TENANT, wallet: 'w1', kind: 'eoa-secp256k1', address: WALLET },
      }),
    ];
    for (const [index, agent] of this.agents.entries()) {
      const credentialDigest = index.toString(16).padStart(64, '0');
      const data = { tenant: TENANT, agent, wallet: 'w1', credentialDigest, by };
      records.push(await this.#record(CONTROL, 'agent.added', data));
    }
    const through = records.length - 1;
    for (let lane = 0; lane < this.laneCount; lane += 1)
      records.push(await this.#record(String(lane), 'mark.made', { lane, through }));
    return records;
  }

  paymentId(index: number): string {
    const { owner, lane, purchase } = this.#named(index);
    return paymentIdOf(lane, owner, purchase, 0);
  }

  /** Every record of the payment, from intent to the end of its reservation; each index is a purchase of its own. */
  async payment(index: number, atMs: number, ending: Ending = 'settled'): Promise<AppendInput[]> {
    const { owner, lane, resource, purchase, quote } = this.#named(index);
    const paymentId = paymentIdOf(lane, owner, purchase, 0);
    const through = this.agents.length + 1;
    const of = { ...owner, paymentId };
    const record = <N extends EventName>(name: N, data: Readonly<Record<string, unknown>>) =>
      this.#record(String(lane), name, { ...of, ...data });
    const intent = await record('intent.submitted', {
      ...{ kind: 'payment', purchase, ordinal: 0, quote, resource, again: false, asserted: {} },
      requestDigest: quoteDigest(quote, resource),
      idempotencyKeyDigest: index.toString(16).padStart(64, '0'),
    });
    if (ending === 'vetoed')
      return [
        intent,
        await record('approval.vetoed', { person: 'owner' }),
        await record('reservation.ended', { how: 'released' }),
      ];
    const facts = {
      ...{ atMs, ...owner, kind: 'payment', quote, resource, again: false, asserted: {} },
      established: {
        ...{ seller: 'embeddings', payee: 'registered', domain: 'api.example.com' },
        ...{ route: '/v1/embed', category: 'embedding', trust: 'known', jurisdiction: 'DE' },
        ...{ task: 'none', frozen: false, wallet: { id: 'w1', address: WALLET } },
      },
    };
    const verdict = {
      ...{ outcome: 'allow', tier: 'tier-1', prohibited: false, flags: [] },
      ...{ requirement: NOBODY_WAITS, maxLifetimeMs: 60_000, amountUnits: quote.amount },
      reasons: ['within_tier'],
      trace: ['amount', 'category', 'trust', 'frequency', 'jurisdiction'].map((rule) => ({
        ...{ rule, met: true, why: `${rule} is within what the tier allows` },
      })),
    };
    const decision = await record('decision.made', {
      ...{ round: 0, through, decision: { policy: null, facts, answer: null, verdict } },
      proceed: 'authorize',
    });
    const decisionId = idOf(decision);
    const authorization = {
      ...{ chainId: Number(NETWORK.split(':')[1]), token: quote.asset, from: WALLET },
      ...{ to: quote.payTo, value: quote.amount, nonce: nonceOf(TENANT, paymentId) },
      ...{ validAfter: 0, validBefore: Math.floor(atMs / 1000) + 60 },
    };
    const authorizationDigest = digestOf('countersign/authorization/1', authorization);
    const block = { number: 7, hash: BLOCK_HASH, timeMs: atMs };
    return [
      intent,
      decision,
      await record('authorization.fixed', {
        decisionId,
        walletId: 'w1',
        authorization,
        atBlock: 1,
      }),
      await record('signing.completed', { authorizationDigest, bytes: `0x${'ab'.repeat(65)}` }),
      await record('delivery.reported', { status: 200 }),
      await record('settlement.final', {
        transfer: { transactionHash: BLOCK_HASH, logIndex: 0, block },
      }),
      await record('reservation.ended', { how: 'committed' }),
    ];
  }

  #named(index: number) {
    const agent = this.agents[index % this.agents.length] ?? '';
    const owner = { tenant: TENANT, agent };
    const lane = laneOf(TENANT, agent, this.laneCount);
    const resource = { method: 'GET' as const, url: `https://api.example.com/v1/embed?${index}` };
    const purchase = purchaseDigest({ ...owner, task: undefined, resource, payTo: PAYEE });
    return { owner, lane, resource, purchase, quote: quoteOf() };
  }

  async #record(
    lane: string,
    name: EventName,
    data: Readonly<Record<string, unknown>>,
  ): Promise<AppendInput> {
    this.#cause += 1;
    const cause = `paid-log/${this.#cause}`;
    const key = UNSIGNED.includes(name) ? undefined : this.keys.get(WRITERS[name]);
    const value = key && (await key.sign(statementText(name, cause, data)));
    const whole = { ...data, ...(key && { signature: { keyId: key.keyId, value } }) };
    const { bytes } = encodeEvent(name, whole as EventData<EventName>, cause);
    return { lane, key: `${TENANT}/paid-log`, bytes };
  }
}

/** The id an event was given. */
function idOf({ bytes }: AppendInput): string {
  return (JSON.parse(new TextDecoder().decode(bytes)) as { id: string }).id;
}
