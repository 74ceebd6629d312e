import { setTimeout as pause } from 'node:timers/promises';
import type { PaymentView } from '@countersign/contracts';
import {
  type GovernedPaymentError,
  GovernedPaymentError as Governed,
  paymentOf,
} from '@countersign/sdk';
import type { Address } from 'viem';
import type { TokenTransfer } from '../chain.ts';
import type { World } from './world.ts';

/** How a governed call ended: an answer, or a typed error; with the payment behind it, if there is one. */
export type Ended =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly payment: PaymentView | undefined;
    }
  | {
      readonly kind: 'stopped';
      readonly error: GovernedPaymentError;
      readonly payment: PaymentView | undefined;
    };

export async function outcomeOf(call: Promise<Response>): Promise<Ended> {
  try {
    const response = await call;
    await response.arrayBuffer();
    return { kind: 'answered', status: response.status, payment: paymentOf(response) };
  } catch (error) {
    if (!(error instanceof Governed)) throw error;
    return { kind: 'stopped', error, payment: error.payment };
  }
}

/** Transfers of the token from a wallet to a payee, read from the chain's logs. */
export async function transfers(
  world: World,
  from: Address,
  to: Address,
): Promise<readonly TokenTransfer[]> {
  const all = await world.chain.transfersFrom(from);
  return all.filter((transfer) => transfer.to.toLowerCase() === to.toLowerCase());
}

/** Looks until `found` has something to say. @throws Error naming `what` when it never does. */
export async function eventually<T>(
  what: string,
  found: () => Promise<T | undefined>,
  withinMs = 20_000,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await pause(50);
  }
}

/** The payment once it is as `reached` says, read through the API. */
export function paymentWhen(
  world: World,
  id: string,
  reached: (payment: PaymentView) => boolean,
  withinMs?: number,
): Promise<PaymentView> {
  return eventually(
    `payment ${id}`,
    async () => {
      const payment = await world.owner.readPayment(id);
      return reached(payment) ? payment : undefined;
    },
    withinMs,
  );
}
