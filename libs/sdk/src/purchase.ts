import { AsyncLocalStorage } from 'node:async_hooks';
import { type PaymentView, Resource } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import { GovernedPaymentError } from './errors.ts';

/** One call of a governed fetch, from its request to its answer; the scheme client finds it by asynchronous context. */
export interface Purchase {
  readonly request: Request;
  readonly bodyDigest: string | undefined;
  /** How long people may still take, for this attempt. */
  waitSeconds: number;
  /** The seller asked for a payment. */
  priced: boolean;
  /** The payment whose authorization was handed to the stock client. */
  payment?: PaymentView;
  /** What was thrown inside the stock client, whose wrapper keeps only the message. */
  failure?: { readonly error: unknown };
}

/** The purchase in whose asynchronous context the stock client runs; undefined under a program's own wrapper. */
export const currentPurchase = new AsyncLocalStorage<Purchase>();

/** Starts a purchase. The body is read to its end, because which purchase this is depends on its bytes. */
export async function purchaseOf(request: Request): Promise<Purchase> {
  const bytes = request.body && new Uint8Array(await request.clone().arrayBuffer());
  const bodyDigest = bytes && bytes.length > 0 ? sha256Hex(bytes) : undefined;
  return { request, bodyDigest, waitSeconds: 0, priced: false };
}

/** Forgets what the attempt before this one met. */
export function startAttempt(purchase: Purchase, waitSeconds: number): void {
  purchase.waitSeconds = waitSeconds;
  purchase.priced = false;
  delete purchase.failure;
}

const following = new WeakMap<AbortSignal, Request>();

/**
 * The signal of a request, which aborts with its caller's for as long as anybody listens to it. Without us it does so
 * while the request itself is held, and a clone's only until memory is next collected: Node ties both to the caller's
 * signal weakly. So a fetch of a clone is given this one beside it.
 */
export function lastingSignal(request: Request): AbortSignal {
  following.set(request.signal, request);
  return request.signal;
}

/**
 * What is bought: the method, the URL in its one canonical spelling (default port and fragment dropped, host in lower
 * case and punycode), and the digest of the body where there is one.
 *
 * @throws GovernedPaymentError `invalid_request` for a method or URL for which nothing can be bought.
 */
export function resourceOf(method: string, url: string, bodyDigest: string | undefined): Resource {
  const canonical = URL.canParse(url) ? new URL(url) : undefined;
  if (canonical) canonical.hash = '';
  const resource = Resource.safeParse({
    method,
    url: canonical?.href,
    ...(bodyDigest !== undefined && { bodyDigest }),
  });
  if (resource.success && /^https?:$/.test(canonical?.protocol ?? '')) return resource.data;
  throw new GovernedPaymentError(`Nothing can be bought with ${method} ${url}.`, {
    code: 'invalid_request',
    retryable: false,
    cause: resource.error,
  });
}

/** {@link resourceOf} a request, whose body is read from a copy. */
export async function resourceOfRequest(request: Request): Promise<Resource> {
  const { bodyDigest } = await purchaseOf(request);
  return resourceOf(request.method, request.url, bodyDigest);
}
