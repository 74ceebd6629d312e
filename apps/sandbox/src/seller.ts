import { invariant } from '@countersign/kernel';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { HTTPFacilitatorClient, type RoutesConfig } from '@x402/core/server';
import {
  paymentMiddlewareFromHTTPServer,
  x402HTTPResourceServer,
  x402ResourceServer,
} from '@x402/express';
import express, { type RequestHandler } from 'express';
import type { Address } from 'viem';
import { SANDBOX_NETWORK } from './chain.ts';
import { answerError, serveLocally } from './local-server.ts';
import { TOKEN_ADDRESS, TOKEN_DOMAIN } from './token.ts';

/** What one call costs, in the sandbox token. */
export interface RoutePrice {
  readonly amountAtomic: bigint;
}

/** One thing a seller sells. */
export interface PaidRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Asked again for every request. The stock server refuses a payment when the price is no longer what was quoted. */
  readonly price: RoutePrice | (() => RoutePrice);
  readonly payTo: Address;
  readonly description: string;
  readonly maxTimeoutSeconds: number;
  /** Runs after the payment was verified and before it is settled; an answer of 400 and above is not charged. */
  readonly handler: RequestHandler;
}

/** How a seller is started. */
export interface SellerOptions {
  readonly facilitatorUrl: string;
  readonly routes: readonly PaidRoute[];
  /** A free port when left out. */
  readonly port?: number;
  /** How long the seller waits for the facilitator, which should give up on a confirmation earlier than this. */
  readonly facilitatorTimeoutMs?: number;
}

/** A paid API on 127.0.0.1 behind the stock x402 middleware. */
export interface Seller extends AsyncDisposable {
  readonly url: string;
  /** From now on `path` costs this, in quotes and in the check of payments for earlier quotes. */
  setPrice(path: string, price: RoutePrice): void;
  stop(): Promise<void>;
}

/** Starts a seller; resolves when the facilitator has told it what it supports. */
export async function startSeller(options: SellerOptions): Promise<Seller> {
  const changedPrices = new Map<string, RoutePrice>();
  const facilitator = new HTTPFacilitatorClient({
    url: options.facilitatorUrl,
    timeoutMs: options.facilitatorTimeoutMs ?? 45_000,
  });
  const resources = new x402ResourceServer(facilitator).register(
    SANDBOX_NETWORK,
    new ExactEvmScheme(),
  );
  const routes = toX402Routes(options.routes, (path) => changedPrices.get(path));
  const http = new x402HTTPResourceServer(resources, routes);
  await http.initialize();

  const app = express();
  app.use(refuseHead);
  app.use(paymentMiddlewareFromHTTPServer(http, undefined, undefined, false));
  for (const route of options.routes) {
    app.route(route.path)[toExpressMethod(route.method)](route.handler);
  }
  app.use(answerError);

  const server = await serveLocally(app, options.port ?? 0);
  return {
    url: server.url,
    setPrice(path, price) {
      invariant(
        options.routes.some((route) => route.path === path),
        `nothing is sold at ${path}`,
      );
      changedPrices.set(path, price);
    },
    stop: server.stop,
    [Symbol.asyncDispose]: server.stop,
  };
}

function toX402Routes(
  routes: readonly PaidRoute[],
  changedPrice: (path: string) => RoutePrice | undefined,
): RoutesConfig {
  return Object.fromEntries(
    routes.map((route) => [
      `${route.method} ${route.path}`,
      {
        description: route.description,
        mimeType: 'application/json',
        accepts: {
          scheme: 'exact',
          network: SANDBOX_NETWORK,
          payTo: route.payTo,
          maxTimeoutSeconds: route.maxTimeoutSeconds,
          price: () => {
            const ownPrice = typeof route.price === 'function' ? route.price() : route.price;
            const { amountAtomic } = changedPrice(route.path) ?? ownPrice;
            return { asset: TOKEN_ADDRESS, amount: amountAtomic.toString(), extra: TOKEN_DOMAIN };
          },
        },
      },
    ]),
  );
}

/** Express answers HEAD with the handler of GET, and the stock middleware lets HEAD pass unpaid. */
const refuseHead: RequestHandler = (request, response, next) => {
  if (request.method === 'HEAD') response.status(405).end();
  else next();
};

function toExpressMethod(method: PaidRoute['method']) {
  return method.toLowerCase() as Lowercase<PaidRoute['method']>;
}
