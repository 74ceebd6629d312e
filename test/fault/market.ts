import { digestOf } from '@countersign/kernel';
import type { Facilitator } from '../../apps/sandbox/src/facilitator.ts';
import { type PaidRoute, type Seller, startSeller } from '../../apps/sandbox/src/seller.ts';

const USD = 1_000_000n;

/** What is sold, by seller: the price of one, its category, and where the seller stands. */
export const SOLD = {
  snippets: { price: USD / 50n, category: 'snippet', jurisdiction: 'DE' },
  datasets: { price: 2n * USD, category: 'dataset', jurisdiction: 'NL' },
  experts: { price: 5n * USD, category: 'expert', jurisdiction: 'FR' },
  forbidden: { price: USD, category: 'snippet', jurisdiction: 'KP' },
} as const;
export type SellerName = keyof typeof SOLD;
export const SELLER_NAMES = Object.keys(SOLD) as readonly SellerName[];

export function payToOf(seller: SellerName): `0x${string}` {
  return `0x${digestOf('countersign/fault/seller', { seller }).slice(0, 40)}`;
}

/** Stock x402 sellers. Every path is a purchase of its own. */
export async function openMarket(
  facilitator: Facilitator,
  parts: AsyncDisposableStack,
): Promise<Readonly<Record<SellerName, Seller>>> {
  const opened = await Promise.all(
    SELLER_NAMES.map(async (name) => {
      const route: PaidRoute = {
        method: 'GET',
        path: '/one/:name',
        price: { amountAtomic: SOLD[name].price },
        payTo: payToOf(name),
        description: `One of ${name}`,
        maxTimeoutSeconds: 30,
        handler: (request, response) => void response.json({ paidFor: request.path }),
      };
      const seller = await startSeller({ facilitatorUrl: facilitator.url, routes: [route] });
      return [name, parts.use(seller)] as const;
    }),
  );
  return Object.fromEntries(opened) as Record<SellerName, Seller>;
}

/** Budgets are tight enough to be met again and again, by agents that share them. */
export const POLICY = `
format: 1
name: faults
unit:
  name: USD
  assets: ['eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e']
treasury:
  'eip155:84532': '0x7ea5000000000000000000000000000000007ea5'
authorization: { maxLifetimeSeconds: 30 }
again: false
prohibited:
  - id: sanctions
    when: { jurisdictions: [KP] }
tiers:
  - name: small
    kind: autonomous
    when: { amount: { atMost: '0.50' }, trust: any, categories: [snippet] }
    frequency: { atMost: 8, seconds: 30 }
  - name: data
    kind: supervised
    when: { amount: { atMost: '3.00' }, trust: any, categories: [dataset] }
    vetoWindowSeconds: 2
    notifyWithinSeconds: 30
    clearanceSeconds: 60
  - name: experts
    kind: collaborative
    when: { amount: { atMost: '10.00' }, trust: any, categories: [expert] }
    quorum: 2
    approvers: [ada, bo, cy]
    timeoutSeconds: 30
    clearanceSeconds: 60
budgets:
  - id: agent-minute
    scope: agent
    window: { kind: rolling, seconds: 60 }
    atMost: '12.00'
  - id: everybody-minute
    scope: tenant
    window: { kind: rolling, seconds: 60 }
    atMost: '40.00'
  - id: snippets-minute
    scope: seller
    only: [snippets]
    window: { kind: rolling, seconds: 60 }
    atMostCount: 40
  - id: everybody-ever
    scope: tenant
    window: { kind: lifetime }
    atMost: '100000.00'
flags: []
`;
