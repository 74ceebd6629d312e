import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import type { Address, Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { SANDBOX_NETWORK } from './chain.ts';

/** An agent that nobody governs: it holds its own key and pays whatever it is asked. */
export interface StockAgent {
  readonly address: Address;
  /** The stock `@x402/fetch` wrapper. Every 402 it meets costs a fresh authorization. */
  readonly fetch: typeof globalThis.fetch;
}

/** Puts the stock client together with its limit of one dollar for each payment taken off. */
export function createStockAgent(options: { readonly privateKey: Hex }): StockAgent {
  const account = privateKeyToAccount(options.privateKey);
  const client = new x402Client()
    .register(SANDBOX_NETWORK, new ExactEvmScheme(account))
    .setSpendControls({ maxAmountPerPayment: false });
  return { address: account.address, fetch: wrapFetchWithPayment(globalThis.fetch, client) };
}
