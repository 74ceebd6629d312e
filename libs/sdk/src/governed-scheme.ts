import type { PaymentView, ProposeBody, Resource } from '@countersign/contracts';
import { findDefaultAsset } from '@x402/evm';
import type {
  PaymentPayloadResult,
  PaymentRequirements,
  SchemeNetworkClient,
} from '@x402/core/types';
import type { CountersignClient, ProposeOptions } from './client.ts';
import { CountersignError, GovernedPaymentError, PaymentUnresolved } from './errors.ts';
import { fromRequirements, pays, toPayload } from './offer.ts';
import { signedOf } from './outcome.ts';
import { persistently } from './persistently.ts';
import { currentPurchase, resourceOf } from './purchase.ts';

/** What an agent may say about its payments. All of it may tighten what policy decides, and never widen it. */
export interface GovernedPaymentOptions {
  readonly client: CountersignClient;
  readonly task?: string;
  /** A session that an operator opened for the agent. */
  readonly session?: string;
  readonly category?: string;
  /** In the agent's own words, for the people who are asked. */
  readonly purpose?: string;
  /** Price to expect, in atomic units of the asset. */
  readonly expectedAmount?: bigint | string;
  /** Told when a paid answer could not be reported as delivered: until it is, the same purchase is not made again. What it throws becomes a warning of the process. */
  readonly onDeliveryReportFailed?: (error: unknown, payment: PaymentView) => void;
}

/**
 * The bare x402 scheme client: Countersign chooses nonce, window and wallet and signs; the stock client presents.
 * A program with its own `wrapFetchWithPayment(fetch, client)` changes the one line that registers the scheme.
 *
 * The stock client does not tell a scheme which request it pays for. Under {@link governedFetch} the scheme knows;
 * here it takes the URL the seller announces and `method`, so that two requests to one URL that differ in their body
 * are one purchase: use it for GET, and {@link governedFetch} for the rest. It sees no more of an answer than its
 * headers, and reports the delivery with them: a call given up before its body is whole is paid anew when made again.
 * The stock wrapper turns what is thrown here into a plain `Error` with the same message;
 * `x402Client.onPaymentCreationFailure` sees it whole.
 *
 * @example
 * const x402 = new x402Client().register('eip155:*', governedScheme({ client: countersign }));
 * const pay = wrapFetchWithPayment(fetch, x402);
 */
export function governedScheme(
  options: GovernedPaymentOptions & { readonly method?: Resource['method'] },
): SchemeNetworkClient {
  const announcedUrls = new WeakMap<PaymentRequirements, string>();
  const presented = new WeakMap<PaymentRequirements, PaymentView>();

  async function createPaymentPayload(
    version: number,
    requirements: PaymentRequirements,
  ): Promise<PaymentPayloadResult> {
    const purchase = currentPurchase.getStore();
    try {
      const quote = fromRequirements(requirements);
      const resource = purchase
        ? resourceOf(purchase.request.method, purchase.request.url, purchase.bodyDigest)
        : resourceOf(options.method ?? 'GET', announcedUrls.get(requirements) ?? '', undefined);
      const payment = await propose(
        options,
        { quote, resource },
        {
          signal: purchase?.request.signal,
          waitSeconds: purchase?.waitSeconds,
        },
      );
      const signed = signedOf(payment);
      if (!pays(signed.authorization, quote))
        throw new GovernedPaymentError(
          'Countersign signed something else than the seller asks for.',
          {
            code: 'wrong_authorization',
            retryable: false,
            payment,
          },
        );
      if (purchase) purchase.payment = payment;
      else presented.set(requirements, payment);
      return toPayload(version, requirements, signed);
    } catch (error) {
      if (purchase) purchase.failure = { error };
      throw error;
    }
  }

  return {
    scheme: 'exact',
    findDefaultAsset,
    createPaymentPayload,
    schemeHooks: {
      onBeforePaymentCreation: async ({ paymentRequired, selectedRequirements }) => {
        announcedUrls.set(selectedRequirements, paymentRequired.resource?.url ?? '');
      },
      // Under governedFetch there is a status to report, and it reports by itself.
      onPaymentResponse: async ({ requirements, settleResponse }) => {
        const payment = presented.get(requirements);
        if (payment && settleResponse?.success) await reportDelivered(options, payment, 200);
      },
    },
  };
}

async function propose(
  options: GovernedPaymentOptions,
  purchase: Pick<ProposeBody, 'quote' | 'resource'>,
  call: ProposeOptions,
): Promise<PaymentView> {
  const { client, task, session, category, purpose, expectedAmount } = options;
  const body: ProposeBody = {
    ...purchase,
    ...(task !== undefined && { task }),
    ...(session !== undefined && { session }),
    ...(category !== undefined && { category }),
    ...(purpose !== undefined && { purpose }),
    ...(expectedAmount !== undefined && { expectedAmount: String(expectedAmount) }),
  };
  try {
    return await persistently(() => client.propose(body, call), call.signal);
  } catch (error) {
    throw await withPayment(client, error);
  }
}

/** The refusal that names an unresolved payment becomes the outcome that shows it. */
async function withPayment(client: CountersignClient, error: unknown): Promise<unknown> {
  if (!(error instanceof CountersignError) || error.code !== 'payment_unresolved') return error;
  if (error.paymentId === undefined) return error;
  const payment = await client.readPayment(error.paymentId).catch(() => undefined);
  if (!payment) return error;
  const { code, retryable } = error;
  return new PaymentUnresolved(error.detail, { code, retryable, payment, cause: error });
}

/** Reports a delivery; never throws, because the answer that was paid for is worth more than the report. */
export async function reportDelivered(
  options: GovernedPaymentOptions,
  payment: PaymentView,
  status: number,
): Promise<void> {
  try {
    await persistently(() => options.client.reportDelivery(payment.id, { status }));
  } catch (error) {
    tellNotReported(options, payment, error);
  }
}

function tellNotReported(
  { onDeliveryReportFailed }: GovernedPaymentOptions,
  payment: PaymentView,
  error: unknown,
): void {
  const problem = `the delivery of ${payment.id} could not be reported: ${String(error)}`;
  try {
    if (onDeliveryReportFailed) onDeliveryReportFailed(error, payment);
    else process.emitWarning(problem);
  } catch (thrown) {
    process.emitWarning(`${problem}; onDeliveryReportFailed: ${String(thrown)}`);
  }
}
