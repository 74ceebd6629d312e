import type { Quote, Resource } from '@countersign/contracts';
import { x402Client, x402HTTPClient } from '@x402/fetch';
import { fromRequirements, notSupported, signable } from './offer.ts';
import { lastingSignal, resourceOfRequest } from './purchase.ts';

/** What a seller asks for a request, and what is bought with it: the two facts every proposal starts from. */
export interface Price {
  readonly quote: Quote;
  readonly resource: Resource;
}

/**
 * Makes a request without paying and reads what the seller asks for it; undefined where it asks for nothing.
 *
 * @throws GovernedPaymentError `scheme_not_supported` where none of the seller's offers can be signed.
 */
export async function askPrice(
  request: Request,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<Price | undefined> {
  const signal = lastingSignal(request);
  const resource = await resourceOfRequest(request);
  const response = await fetch(request.clone(), { signal });
  if (response.status !== 402) {
    await response.body?.cancel();
    return undefined;
  }
  const [requirements] = signable(await offersIn(response));
  if (!requirements) throw notSupported(undefined);
  return { quote: fromRequirements(requirements), resource };
}

/** Reads answers only: a client without a scheme can pay nothing. */
const reader = new x402HTTPClient(new x402Client());

async function offersIn(response: Response) {
  const body: unknown = await response.json().catch(() => undefined);
  try {
    return reader.getPaymentRequiredResponse((name) => response.headers.get(name), body).accepts;
  } catch (cause) {
    throw notSupported(cause);
  }
}
