import { type Authorization, Quote, findAsset } from '@countersign/contracts';
import type { PaymentPayloadResult, PaymentRequirements } from '@x402/core/types';
import { getAddress } from 'viem';
import { GovernedPaymentError } from './errors.ts';

/** The names x402 version 1 has for the networks whose tokens we know. */
export const V1_NETWORKS = {
  base: 'eip155:8453',
  'base-sepolia': 'eip155:84532',
} as const satisfies Record<string, string>;

const MAX_TIMEOUT_SECONDS = 86_400;

/**
 * The offer as Countersign takes it. Version 1 of x402 calls the amount `maxAmountRequired` and has its own names of
 * networks.
 *
 * @throws GovernedPaymentError `invalid_request` for an offer that is no offer.
 */
export function fromRequirements(requirements: PaymentRequirements): Quote {
  const offered = requirements as PaymentRequirements & { readonly maxAmountRequired?: string };
  const quote = Quote.safeParse({
    scheme: offered.scheme,
    network: networkOf(offered),
    asset: offered.asset,
    amount: offered.amount ?? offered.maxAmountRequired,
    payTo: offered.payTo,
    // How long the authorization lives is decided by policy; the seller's wish is only an upper bound.
    maxTimeoutSeconds: Math.min(offered.maxTimeoutSeconds, MAX_TIMEOUT_SECONDS),
  });
  if (quote.success) return quote.data;
  const faults = quote.error.issues.map((it) => `${it.path.join('.')}: ${it.message}`).join('; ');
  throw new GovernedPaymentError(`The seller's offer cannot be understood (${faults}).`, {
    code: 'invalid_request',
    retryable: false,
    cause: quote.error,
  });
}

function networkOf({ network }: PaymentRequirements): string {
  return Object.entries(V1_NETWORKS).find(([name]) => name === network)?.[1] ?? network;
}

/**
 * The offers Countersign can sign, those in tokens it knows first among them: a seller that takes several is then not
 * refused for the one it happened to name first.
 */
export function signable(requirements: PaymentRequirements[]): PaymentRequirements[] {
  const possible = requirements.filter((it) => {
    const { assetTransferMethod = 'eip3009', paymentFlow } = it.extra ?? {};
    return (
      it.scheme === 'exact' &&
      networkOf(it).startsWith('eip155:') &&
      assetTransferMethod === 'eip3009' &&
      paymentFlow !== 'escrow'
    );
  });
  const known = possible.filter((it) => findAsset(networkOf(it), it.asset) !== undefined);
  return known.length > 0 ? known : possible;
}

/** Whether an authorization pays exactly this quote. */
export function pays(authorization: Authorization, quote: Quote): boolean {
  return (
    `eip155:${authorization.chainId}` === quote.network &&
    authorization.token === quote.asset &&
    authorization.to === quote.payTo &&
    authorization.value === quote.amount
  );
}

/** The payload of scheme `exact` with EIP-3009, spelt as the stock scheme client spells it. */
export function toPayload(
  version: number,
  requirements: PaymentRequirements,
  signed: { readonly authorization: Authorization; readonly signature: string },
): PaymentPayloadResult {
  const { from, to, value, validAfter, validBefore, nonce } = signed.authorization;
  const payload = {
    signature: signed.signature,
    authorization: {
      from: getAddress(from),
      to: getAddress(to),
      value,
      validAfter: String(validAfter),
      validBefore: String(validBefore),
      nonce,
    },
  };
  if (version !== 1) return { x402Version: version, payload };
  const { scheme, network } = requirements;
  return { x402Version: 1, scheme, network, payload } as PaymentPayloadResult;
}

/** What is thrown where a seller asks for money in no way that can be signed. */
export function notSupported(cause: unknown): GovernedPaymentError {
  return new GovernedPaymentError(
    'The seller asks for a payment of a kind that is not signed: only x402 "exact" with EIP-3009 is.',
    { code: 'scheme_not_supported', retryable: false, cause },
  );
}
