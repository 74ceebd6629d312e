import { digestOf } from '@countersign/kernel';
import type { Address } from 'viem';
import type { PaidRoute } from '../seller.ts';

export type SellerName =
  'embeddings' | 'images' | 'datasets' | 'talent' | 'pyongyang' | 'newcomer' | 'reports';

/** A seller of the story: what it sells, and the record a person registered for it, if anybody did. */
export interface SoldBy {
  readonly routes: (name: string) => readonly PaidRoute[];
  readonly record?: {
    readonly trust: 'known' | 'verified';
    readonly category: string;
    readonly jurisdiction: string;
    readonly routes: { path: string; category?: string; expectedAmount?: string }[];
    /** Registered payee, where it is not the one the seller asks to pay. */
    readonly payTo?: Address;
  };
}

/** A fixed address per seller: its name hashed. */
export function payToOf(name: string): Address {
  return `0x${digestOf('countersign/sandbox/seller', { name }).slice(0, 40)}`;
}

const USD = 1_000_000n;

function sells(path: string, amountAtomic: bigint, description: string) {
  return (name: string): PaidRoute => ({
    method: 'GET',
    path,
    price: { amountAtomic },
    payTo: payToOf(name),
    description,
    maxTimeoutSeconds: 60,
    handler: (request, response) => void response.json({ paidFor: request.path }),
  });
}

/** All at one address: a payee that is nobody's registered one. */
const ELSEWHERE: Address = '0xbad0000000000000000000000000000000000bad';

export const SELLERS: Readonly<Record<SellerName, SoldBy>> = {
  embeddings: {
    routes: (name) => [
      sells('/embed', USD / 50n, 'One embedding')(name),
      sells('/embed/:n', USD / 50n, 'One embedding')(name),
      { ...sells('/hijacked', USD / 50n, 'One embedding')(name), payTo: ELSEWHERE },
    ],
    record: {
      trust: 'known',
      category: 'embedding',
      jurisdiction: 'DE',
      routes: [
        { path: '/embed', expectedAmount: '20000' },
        { path: '/hijacked', expectedAmount: '20000' },
      ],
    },
  },
  images: {
    routes: (name) => [sells('/image/:n', USD / 5n, 'One image')(name)],
    record: {
      trust: 'known',
      category: 'image',
      jurisdiction: 'FR',
      routes: [{ path: '/image', expectedAmount: '200000' }],
    },
  },
  datasets: {
    routes: (name) => [sells('/dataset/:n', 2n * USD, 'A dataset')(name)],
    record: { trust: 'verified', category: 'dataset', jurisdiction: 'NL', routes: [] },
  },
  talent: {
    routes: (name) => [
      sells('/hire/:n', 89n * USD, 'Another agent for an hour')(name),
      sells('/consult/:n', 89n * USD, 'Another agent for an hour, on demand')(name),
    ],
    record: {
      trust: 'known',
      category: 'agent_hire',
      jurisdiction: 'US',
      routes: [{ path: '/consult', category: 'consulting' }],
    },
  },
  pyongyang: {
    routes: (name) => [sells('/feed', USD, 'A news feed')(name)],
    record: { trust: 'known', category: 'embedding', jurisdiction: 'KP', routes: [] },
  },
  newcomer: {
    routes: (name) => [sells('/embed', USD / 2n, 'One embedding, from someone new')(name)],
  },
  reports: {
    routes: (name) => [sells('/report/:n', 90n * USD, 'A market report')(name)],
    record: { trust: 'verified', category: 'report', jurisdiction: 'DE', routes: [] },
  },
};
