import { type Digest, digestOf } from '@countersign/kernel';
import { z } from 'zod';
import { Address, Atomic, DigestHex, Network } from './text.ts';

/** What is bought: an HTTP method and canonical URL, and the body's digest where there is a body. */
export const Resource = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  url: z.string().min(1).max(2048),
  bodyDigest: DigestHex.optional(),
});
export type Resource = z.infer<typeof Resource>;

/** What the seller asks for it: the x402 payment requirement, as far as money is concerned. */
export const Quote = z.strictObject({
  scheme: z.string().min(1).max(32),
  network: Network,
  asset: Address,
  amount: Atomic,
  payTo: Address,
  maxTimeoutSeconds: z.int().positive().max(86_400),
});
export type Quote = z.infer<typeof Quote>;

/**
 * The terms people and policy agree to: payee, asset, network, amount and resource. Scheme and time-out are not among
 * them; the first is checked to be one we sign, the second may be renewed.
 */
export function quoteDigest(quote: Quote, resource: Resource): Digest {
  const { network, asset, amount, payTo } = quote;
  return digestOf('countersign/quote/1', { network, asset, amount, payTo, resource });
}

/**
 * Host, and port where it is not the scheme's own, of a canonical URL in lower case; `undefined` where there is none.
 * Two ports of one host may belong to two sellers, so a registered domain without a port does not cover them.
 */
export function authorityOf(url: string): string | undefined {
  return /^https?:\/\/((?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?)(?:\/|\?|$)/.exec(url)?.[1];
}

/** The path of a canonical URL, without query. */
export function pathOf(url: string): string {
  return /^https?:\/\/[^/?#]+([^?#]*)/.exec(url)?.[1] || '/';
}
