import {
  type EventData,
  type Facts,
  type Quote,
  type Resource,
  type Seller,
  authorityOf,
  pathOf,
} from '@countersign/contracts';
import { type TenantView, walletsOf } from './tenant.ts';
import type { SessionFacts } from './payment.ts';
import { findSeller } from './sellers.ts';
import { isStopped } from './standing-stops.ts';
import { type PayingWallet, payingWallet } from './wallets.ts';

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
  /** How the named task stood at that record. */
  readonly taskTerms: Facts['established']['taskTerms'];
  /** How the named session stood there; undefined where none was named. */
  readonly session: SessionFacts | undefined;
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
  const { wallet, unpayable } = walletFor(view, { ...intent, quote, resource });
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
      ...(sources.taskTerms && { taskTerms: sources.taskTerms }),
      ...sessionFacts(sources.session),
      frozen: sources.agentFrozen || isStopped(view, intent.agent),
      wallet: wallet ? { id: wallet.id, address: wallet.address } : null,
      ...(unpayable !== null && { unpayable }),
    },
    asserted: intent.asserted,
  };
}

function sessionFacts(session: SessionFacts | undefined): Partial<Facts['established']> {
  if (!session) return {};
  const { session: name, ceiling, unit } = session;
  return {
    session: name,
    ...(ceiling !== undefined && { sessionCeiling: ceiling }),
    ...(unit !== undefined && { sessionUnit: unit }),
  };
}

/** Which wallet a payment is made from, as control stands: the one rule of policy, signer and fold. */
export function walletFor(
  view: TenantView,
  payment: Pick<EventData<'intent.submitted'>, 'agent' | 'kind' | 'quote' | 'resource'>,
): PayingWallet {
  const { agent, kind, quote, resource } = payment;
  const { seller } = findSeller(view, authorityOf(resource.url) ?? '', quote);
  return payingWallet(walletsOf(view, agent), {
    network: quote.network,
    takes: seller?.takes ?? 'eoa',
    withdrawFrom: kind === 'withdrawal' ? withdrawnWallet(resource.url) : undefined,
  });
}

const WITHDRAWAL = 'countersign:withdrawal/';

/** What a withdrawal is of, where a payment has what it buys. */
export function withdrawalOf(wallet: string): Resource {
  return { method: 'POST', url: `${WITHDRAWAL}${wallet}` };
}

function withdrawnWallet(url: string): string {
  return url.slice(WITHDRAWAL.length);
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
