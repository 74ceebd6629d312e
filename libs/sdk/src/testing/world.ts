import { CountersignClient } from '../client.ts';
import { type GovernedFetchOptions, governedFetch } from '../governed-fetch.ts';
import { type ScriptedCountersign, startScriptedCountersign } from './scripted-countersign.ts';
import {
  type Presented,
  type ScriptedSeller,
  type SellerAnswer,
  asking,
  sold,
  startScriptedSeller,
} from './scripted-seller.ts';

/** A scripted Countersign and a scripted seller, and agents that pay between them. */
export interface World extends AsyncDisposable {
  readonly countersign: ScriptedCountersign;
  readonly seller: ScriptedSeller;
  /** How the seller answers a request that carries a payment. */
  whenPaid: (request: Presented) => SellerAnswer;
  /** How it answers any other. */
  whenUnpaid: (request: Presented) => SellerAnswer;
  payer(options?: Partial<GovernedFetchOptions>): typeof globalThis.fetch;
  /** The nonces the seller got, oldest first. */
  nonces(): readonly (string | undefined)[];
  proposals(): readonly { readonly body: unknown }[];
}

/** Starts a world in which everything is for sale and everything is signed. */
export async function startWorld(): Promise<World> {
  const countersign = await startScriptedCountersign();
  const seller = await startScriptedSeller((request) =>
    request.payment ? world.whenPaid(request) : world.whenUnpaid(request),
  );
  const client = new CountersignClient({ baseUrl: countersign.url, credential: 'agent' });
  const world: World = {
    countersign,
    seller,
    whenPaid: () => sold(),
    whenUnpaid: ({ url }) => asking(`${seller.url}${url}`),
    payer: (options) => governedFetch({ client, ...options }),
    nonces: () => seller.presented().map(({ payment }) => payment?.payload.authorization['nonce']),
    proposals: () => countersign.received.filter(({ route }) => route === 'proposePayment'),
    async [Symbol.asyncDispose]() {
      await seller[Symbol.asyncDispose]();
      await countersign[Symbol.asyncDispose]();
    },
  };
  return world;
}
