import { digestOf, sha256Hex } from '@countersign/kernel';
import type { Quote, Resource } from '@countersign/contracts';

/** The lane an agent's payments stand in: SHA-256(tenant "/" agent) mod the lane count. */
export function laneOf(tenant: string, agent: string, laneCount: number): number {
  const owner = `${tenant}/${agent}`;
  let place = places.get(owner);
  if (place === undefined) {
    place = parseInt(sha256Hex(owner).slice(0, 8), 16);
    if (places.size >= PLACES_MAX) places.clear();
    places.set(owner, place);
  }
  return place % laneCount;
}

/** Asked several times for each record, and agents are few: by owner, the number that lanes are counted from. */
const places = new Map<string, number>();
const PLACES_MAX = 10_000;

/** What is bought, whatever it costs: tenant, agent, task, method, canonical URL, body digest and payee. */
export function purchaseDigest(purchase: {
  readonly tenant: string;
  readonly agent: string;
  readonly task: string | undefined;
  readonly resource: Resource;
  readonly payTo: string;
}): string {
  return digestOf('countersign/purchase/1', purchase);
}

/** Two intake replicas that see the same purchase give its payment the same id. */
export function paymentIdOf(
  lane: number,
  owner: { readonly tenant: string; readonly agent: string },
  purchase: string,
  ordinal: number,
): string {
  const { tenant, agent } = owner;
  const digest = digestOf('countersign/payment/1', { tenant, agent, purchase, ordinal });
  return `pay_${lane}_${digest.slice(0, 32)}`;
}

/** The lane a payment id carries. */
export function laneOfPayment(paymentId: string): number {
  return Number(paymentId.split('_')[1]);
}

/** EIP-3009 nonce of a payment: a pure function of the payment, so that every attempt to sign signs the same. */
export function nonceOf(tenant: string, paymentId: string): string {
  return `0x${digestOf('countersign/nonce/1', { tenant, paymentId })}`;
}

/** Whether two quotes ask the same of the payer: payee, asset, network and amount. */
export function sameTerms(a: Quote, b: Quote): boolean {
  return (
    a.network === b.network && a.asset === b.asset && a.payTo === b.payTo && a.amount === b.amount
  );
}
