import { setTimeout as delay } from 'node:timers/promises';
import type { PaymentView } from '@countersign/contracts';
import type { PaymentRequirements } from '@x402/core/types';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { reportingDelivery } from './delivery.ts';
import { AwaitingApproval, GovernedPaymentError, PaymentUnresolved } from './errors.ts';
import { type GovernedPaymentOptions, governedScheme, reportDelivered } from './governed-scheme.ts';
import { isConsented } from './outcome.ts';
import { V1_NETWORKS, notSupported, signable } from './offer.ts';
import { sellerWords } from './seller-words.ts';
import {
  type Purchase,
  currentPurchase,
  lastingSignal,
  purchaseOf,
  startAttempt,
} from './purchase.ts';

/** How a governed fetch pays. */
export interface GovernedFetchOptions extends GovernedPaymentOptions {
  /** Reaches the sellers; the global fetch when left out. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long a call may wait for people before it throws {@link AwaitingApproval}; 0 when left out. */
  readonly waitSeconds?: number;
}

type Fetch = typeof globalThis.fetch;

/** Countersign holds one request no longer than this. */
const WAIT_PER_CALL_SECONDS = 60;
/** How soon a server is asked again that answered before the wait was over; doubled each time it does. */
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 5_000;
/** How long a call waits in any case for a consent that is given to be recorded as complete. */
const CONSENTED_MS = 2_000;

const payments = new WeakMap<Response, PaymentView>();

/** The payment that was presented for an answer of a governed fetch; undefined where nothing was paid. */
export function paymentOf(response: Response): PaymentView | undefined {
  return payments.get(response);
}

/**
 * A `fetch` that pays x402 sellers with Countersign's consent: the stock wrapper and client, unchanged, with a scheme
 * client that has no key. A call is identified by method, URL and body bytes; the same call made again after a lost
 * answer presents the same authorization and never a second one. When a paid answer of 2xx is there to its last byte,
 * the delivery is reported, and the next such call is a new payment: a long answer wants to be read to its end. So
 * identical calls at the same time are one payment, and the seller answers one of them; a `FormData` body gets a new
 * boundary every time and never is the same call. The body of a request is read whole before it is sent.
 *
 * Beside what fetch throws: {@link PaymentDenied}, {@link AwaitingApproval}, {@link PaymentStopped},
 * {@link PaymentUnresolved}, {@link GovernedPaymentError}, and `CountersignError` where Countersign itself refused.
 * An answer that is neither 2xx nor 402 is returned as it is; the payment presented for it stays open.
 *
 * @example
 * import { AwaitingApproval, CountersignClient, governedFetch } from '@countersign/sdk';
 *
 * const client = new CountersignClient({ baseUrl: 'http://127.0.0.1:4020', credential });
 * const pay = governedFetch({ client, task: 'market-report', waitSeconds: 120 });
 * try {
 *   const response = await pay('http://127.0.0.1:4021/report');
 *   console.log(await response.json());
 * } catch (error) {
 *   if (!(error instanceof AwaitingApproval)) throw error;
 *   console.log(`ask again before ${new Date(error.untilMs ?? 0).toISOString()}: ${error.message}`);
 * }
 */
export function governedFetch(options: GovernedFetchOptions): Fetch {
  const pay = wrapFetchWithPayment(
    sellerFetch(options.fetch ?? globalThis.fetch),
    stockClient(options),
  );
  return async (input, init) => {
    if (input instanceof Request) lastingSignal(input);
    const request = new Request(input, init);
    if (request.headers.has('payment-signature') || request.headers.has('x-payment'))
      throw new TypeError('the request carries a payment already');
    const purchase = await purchaseOf(request);
    const response = await withPatience(purchase, options.waitSeconds ?? 0, () =>
      attempt(options, pay, purchase),
    );
    const { payment } = purchase;
    if (!payment) return response;
    payments.set(response, payment);
    if (response.status === 402) throw await rejected(options, payment, response);
    return response;
  };
}

function stockClient(options: GovernedPaymentOptions): x402Client {
  const scheme = governedScheme(options);
  const client = new x402Client()
    .register('eip155:*', scheme)
    .registerPolicy((_version, requirements) => signableOrThrow(requirements))
    // Limits are the policy's; a second set here would only make refusals nobody can explain.
    .setSpendControls(false);
  for (const network of Object.keys(V1_NETWORKS)) client.registerV1(network, scheme);
  return client;
}

function signableOrThrow(requirements: PaymentRequirements[]): PaymentRequirements[] {
  const possible = signable(requirements);
  if (possible.length > 0) return possible;
  const error = notSupported(undefined);
  const purchase = currentPurchase.getStore();
  if (purchase) purchase.failure = { error };
  throw error;
}

/** Notes that a seller asks for money, and refuses to pay someone else than who was called. */
function sellerFetch(fetch: Fetch): Fetch {
  return async (input, init) => {
    const purchase = currentPurchase.getStore();
    // What comes in is the stock wrapper's clone of the request.
    const response = await fetch(
      input,
      purchase ? { ...init, signal: lastingSignal(purchase.request) } : init,
    );
    if (response.status !== 402 || !purchase) return response;
    purchase.priced = true;
    if (purchase.payment) return response;
    const askedAt = response.url === '' ? purchase.request.url : response.url;
    if (new URL(askedAt).origin === new URL(purchase.request.url).origin) return response;
    throw new GovernedPaymentError(
      `The request was redirected to ${new URL(askedAt).origin}, which asks for a payment; call it directly to pay it.`,
      { code: 'invalid_request', retryable: false },
    );
  };
}

async function attempt(
  options: GovernedPaymentOptions,
  pay: Fetch,
  purchase: Purchase,
): Promise<Response> {
  const { request } = purchase;
  try {
    const response = await currentPurchase.run(purchase, () => pay(request.clone()));
    const { payment } = purchase;
    if (!payment || !response.ok) return response;
    const report = () => reportDelivered(options, payment, response.status);
    return await reportingDelivery(response, report, request.signal);
  } catch (error) {
    request.signal.throwIfAborted();
    if (purchase.failure) throw purchase.failure.error;
    if (error instanceof GovernedPaymentError) throw error;
    if (purchase.payment)
      throw new PaymentUnresolved(
        `The seller got a payment of ${purchase.payment.amount} and its answer was lost; make the same request again.`,
        { code: 'payment_unresolved', retryable: true, payment: purchase.payment, cause: error },
      );
    throw purchase.priced ? notSupported(error) : error;
  }
}

/**
 * Tries until people have answered or the time is over. Every attempt asks the seller anew, so that what people
 * consented to is claimed with a price that still holds.
 */
async function withPatience(
  purchase: Purchase,
  waitSeconds: number,
  attempt: () => Promise<Response>,
): Promise<Response> {
  const { signal } = purchase.request;
  const startMs = performance.now();
  let deadlineMs = startMs + waitSeconds * 1000;
  let pauseMs = PAUSE_MIN_MS;
  for (;;) {
    const leftMs = Math.max(0, deadlineMs - performance.now());
    startAttempt(purchase, Math.min(Math.ceil(leftMs / 1000), WAIT_PER_CALL_SECONDS));
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof AwaitingApproval)) throw error;
      if (isConsented(error.payment)) deadlineMs = Math.max(deadlineMs, startMs + CONSENTED_MS);
      const untilDeadlineMs = deadlineMs - performance.now();
      if (leftMs === 0 && untilDeadlineMs <= 0) throw error;
      await delay(Math.max(0, Math.min(pauseMs, untilDeadlineMs)), undefined, { signal }).catch(
        () => signal.throwIfAborted(),
      );
      pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    }
  }
}

async function rejected(
  { client }: GovernedPaymentOptions,
  presented: PaymentView,
  response: Response,
): Promise<PaymentUnresolved> {
  const payment = await client.readPayment(presented.id).catch(() => presented);
  const paid = payment.settlement !== undefined;
  const why = await sellerWords(response);
  const says = why === undefined ? '' : ` The seller says, unchecked: ${why}`;
  const message = paid
    ? `The seller asks again for ${payment.amount} that it already got in ${payment.settlement?.transactionHash}.`
    : `The seller asks again after it was given a payment of ${payment.amount}, which it may collect or have collected; make the same request again.`;
  const code = 'payment_unresolved';
  return new PaymentUnresolved(message + says, { code, retryable: !paid, payment, response });
}
