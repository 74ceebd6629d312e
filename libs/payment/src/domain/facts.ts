import {
  type EventData,
  type Facts,
  type Quote,
  type Resource,
  type Seller,
  authorityOf,
  pathOf,
} from '@countersign/contracts';
import type { TenantView } from './control.ts';

/** What is known of an intent when it is decided. */
export interface FactSources {
  readonly intent: Pick<
    EventData<'intent.submitted'>,
    'tenant' | 'agent' | 'kind' | 'again' | 'asserted'
  >;
  readonly quote: Quote;
  readonly resource: Resource;
  /** Log time of the record that asks for the decision. */
  readonly atMs: number;
  readonly view: TenantView;
  readonly agentFrozen: boolean;
  readonly openTasks: ReadonlySet<string>;
}

/**
 * Splits what we know from what we are told. Category, trust and jurisdiction come from the seller's record only, and
 * a domain counts only together with its registered payee.
 */
export function establishFacts(sources: FactSources): Facts {
  const { intent, quote, resource, view } = sources;
  const authority = authorityOf(resource.url) ?? '';
  const path = pathOf(resource.url);
  const { seller, payee } = findSeller(view, authority, quote);
  const route = longestRoute(seller, path);
  const wallet = view.wallets.get(view.agents.get(intent.agent)?.wallet ?? '');
  const task = intent.asserted.task;
  return {
    atMs: sources.atMs,
    tenant: intent.tenant,
    agent: intent.agent,
    kind: intent.kind,
    quote,
    resource,
    again: intent.again,
    established: {
      seller: seller?.seller ?? 'unknown',
      payee,
      domain: authority,
      route: path,
      category: route?.category ?? seller?.category ?? 'unknown',
      trust: seller?.trust ?? 'unknown',
      jurisdiction: seller?.jurisdiction ?? 'unknown',
      ...(route?.expectedAmount !== undefined && { expectedAmount: route.expectedAmount }),
      task: task === undefined ? 'none' : sources.openTasks.has(task) ? task : 'unknown',
      frozen: sources.agentFrozen || view.frozen,
      wallet: wallet ? { id: wallet.id, address: wallet.address } : null,
    },
    asserted: intent.asserted,
  };
}

function findSeller(
  view: TenantView,
  authority: string,
  quote: Quote,
): { seller: Seller | undefined; payee: Facts['established']['payee'] } {
  const index = indexOf(view.sellers);
  const ofDomain = index.byDomain.get(authority) ?? [];
  const seller = ofDomain.find((it) =>
    it.payTo.some((to) => to.network === quote.network && to.address === quote.payTo),
  );
  if (seller) return { seller, payee: 'registered' };
  // Address poisoning: the ends that people compare agree, the middle does not.
  const alike = index.addressesByEnds.get(endsOf(quote.payTo)) ?? [];
  if (alike.length > 0 && !alike.includes(quote.payTo))
    return { seller: undefined, payee: 'lookalike' };
  return { seller: undefined, payee: ofDomain.length > 0 ? 'mismatch' : 'unknown' };
}

interface SellerIndex {
  readonly byDomain: ReadonlyMap<string, readonly Seller[]>;
  readonly addressesByEnds: ReadonlyMap<string, readonly string[]>;
}

/** One index per version of the registry, so that a decision costs the same with ten thousand sellers as with ten. */
const INDEXES = new WeakMap<TenantView['sellers'], SellerIndex>();

function indexOf(sellers: TenantView['sellers']): SellerIndex {
  let index = INDEXES.get(sellers);
  if (!index) {
    const all = [...sellers.values()];
    const addresses = all.flatMap((seller) => seller.payTo.map((to) => to.address));
    index = {
      byDomain: Map.groupBy(all, (seller) => seller.domain),
      addressesByEnds: Map.groupBy(addresses, endsOf),
    };
    INDEXES.set(sellers, index);
  }
  return index;
}

function endsOf(address: string): string {
  return address.slice(2, 6) + address.slice(-4);
}

function longestRoute(
  seller: Seller | undefined,
  path: string,
): Seller['routes'][number] | undefined {
  // A server reads `/v1/%78` as `/v1/x`: spelling a path otherwise must not lose its category or price.
  const spellings = [path, decoded(path)];
  return seller?.routes
    .filter((route) =>
      spellings.some((it) => it === route.path || it.startsWith(route.path.replace(/\/?$/, '/'))),
    )
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
