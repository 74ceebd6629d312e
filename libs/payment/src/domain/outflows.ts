import { type Payment, fixedOf } from './payment.ts';

/** What left a wallet, as the chain shows it. */
export interface OutflowShown {
  readonly token: string;
  readonly from: string;
  /** Of the authorization that did it; null where the wallet did it by itself. */
  readonly nonce: string | null;
  readonly moved: { readonly to: string; readonly value: bigint } | null;
}

/**
 * Why an outflow of a wallet is not what the log says; undefined when the log recorded it before it was signed.
 *
 * @param payment whose nonce it is, if there is one.
 */
export function unloggedBecause(
  network: string,
  outflow: OutflowShown,
  payment: Payment | undefined,
): string | undefined {
  const { nonce, moved } = outflow;
  // Anybody may: a token takes a transfer of nothing without an allowance and logs it as the wallet's. It would freeze any
  // wallet for the price of gas.
  if (nonce === null && moved?.value === 0n) return undefined;
  if (nonce === null) return 'the wallet moved money without an authorization';
  if (!payment) return 'its nonce is in no record';
  const { phase } = payment;
  const authorization = fixedOf(payment)?.authorization;
  if (!authorization) return 'its payment was never authorized';
  if (phase.status === 'ended' && phase.how !== 'settled')
    return `its payment ended as ${phase.how}`;
  // Of a settled payment too: a nonce is one of its network, token and wallet, and whoever has another wallet's key may take
  // one that was paid with here.
  const asRecorded =
    `eip155:${authorization.chainId}` === network &&
    authorization.token === outflow.token &&
    authorization.from === outflow.from &&
    authorization.to === moved?.to &&
    BigInt(authorization.value) === moved.value;
  return asRecorded ? undefined : 'it is not the transfer that was authorized';
}
