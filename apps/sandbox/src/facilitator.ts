import { setTimeout as delay } from 'node:timers/promises';
import { invariant } from '@countersign/kernel';
import { x402Facilitator } from '@x402/core/facilitator';
import { parsePaymentPayload, parsePaymentRequirements } from '@x402/core/schemas';
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import express, { type RequestHandler, type Response } from 'express';
import type { Address, LocalAccount } from 'viem';
import type { Chain } from './chain.ts';
import { facilitatorSigner } from './facilitator-signer.ts';
import { type SettleFaults, settleFaults } from './faults.ts';
import { answerError, serveLocally } from './local-server.ts';

/** How a facilitator is started. */
export interface FacilitatorOptions {
  readonly chain: Chain;
  /** Pays the gas; the chain's first gas account when left out. Two facilitators must not share one. */
  readonly account?: LocalAccount;
  /** A free port when left out. */
  readonly port?: number;
  /**
   * After this a settlement is answered as `settlement_pending`. Keep it below the sellers' own patience, or they
   * hang up and learn nothing.
   */
  readonly confirmationTimeoutMs?: number;
}

/** The stock x402 facilitator on 127.0.0.1, with faults that can be switched on. */
export interface Facilitator extends AsyncDisposable {
  readonly url: string;
  /** The account that pays the gas. */
  readonly address: Address;
  readonly faults: SettleFaults;
  /** How many times `/settle` was called, whatever came of it. */
  settleCalls(): number;
  stop(): Promise<void>;
}

interface PaymentCall {
  readonly payload: PaymentPayload;
  readonly requirements: PaymentRequirements;
}

/** Starts a facilitator for the exact scheme on the sandbox chain. */
export async function startFacilitator(options: FacilitatorOptions): Promise<Facilitator> {
  const { chain, confirmationTimeoutMs = 30_000 } = options;
  const account = options.account ?? chain.gasAccounts[0];
  invariant(account !== undefined, 'the chain has no gas account');

  const signer = facilitatorSigner(chain, account, confirmationTimeoutMs);
  const x402 = new x402Facilitator().register(chain.network, new ExactEvmScheme(signer));
  const { faults, nextPlan } = settleFaults();
  const stopping = new AbortController();
  let settleCalls = 0;

  async function verify({ payload, requirements }: PaymentCall, response: Response): Promise<void> {
    response.json(await x402.verify(payload, requirements));
  }

  async function settle({ payload, requirements }: PaymentCall, response: Response): Promise<void> {
    settleCalls += 1;
    const { outcome, delayMs } = nextPlan();
    if (outcome === 'silence') return;
    if (delayMs > 0) await delay(delayMs, undefined, { signal: stopping.signal });
    const result = await x402.settle(payload, requirements);
    if (outcome === 'drop') response.socket?.destroy();
    else response.json(result);
  }

  const app = express().use(express.json({ limit: '64kb' }));
  app.get('/supported', (_request, response) => response.json(x402.getSupported()));
  app.post('/verify', withCall(verify));
  app.post('/settle', withCall(settle));
  app.use(answerError);

  const server = await serveLocally(app, options.port ?? 0);
  async function stop(): Promise<void> {
    stopping.abort();
    await server.stop();
  }
  return {
    url: server.url,
    address: account.address,
    faults,
    settleCalls: () => settleCalls,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function withCall(
  carryOut: (call: PaymentCall, response: Response) => Promise<void>,
): RequestHandler {
  return async (request, response) => {
    const call = readCall(request.body);
    if (call === undefined) response.status(400).json({ error: 'malformed x402 payment' });
    else await carryOut(call, response);
  };
}

function readCall(body: unknown): PaymentCall | undefined {
  const parts = (body ?? {}) as Readonly<Record<string, unknown>>;
  const payload = parsePaymentPayload(parts['paymentPayload']);
  const requirements = parsePaymentRequirements(parts['paymentRequirements']);
  if (!payload.success || !requirements.success) return undefined;
  return {
    payload: payload.data as PaymentPayload,
    requirements: requirements.data as PaymentRequirements,
  };
}
