import type { Facts, Quote, Seller } from '@countersign/contracts';
import type { TenantView } from './tenant.ts';

/** The seller of a domain, if the quote's payee is one it registered; and what the payee is otherwise. */
export function findSeller(
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
