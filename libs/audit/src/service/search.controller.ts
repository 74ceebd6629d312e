import { Controller, Inject } from '@nestjs/common';
import type { EventView, SearchQuery } from '@countersign/contracts';
import type { Archived, EventStore, FoundEvent, PaymentColumns } from '@countersign/ports';
import {
  type Caller,
  Route,
  RouteBody,
  RouteQuery,
  TheCaller,
  personOf,
} from '@countersign/service-kit';
import type { z } from 'zod';
import { EventArchive } from './event-archive.ts';
import { orRefused } from './or-refused.ts';

interface SpendParams {
  readonly from: string;
  readonly to: string;
  readonly agent?: string | undefined;
}

/** What auditors ask of the event store. Every answer says how far the store goes. */
@Controller()
export class SearchController {
  constructor(@Inject(EventArchive) private readonly archive: EventArchive) {}

  @Route('searchEvents')
  search(
    @TheCaller() caller: Caller,
    @RouteQuery('searchEvents') query: z.infer<typeof SearchQuery>,
  ) {
    const { tenant } = personOf(caller);
    const { payment, tx, policy, depth, profile, from, to, ...rest } = query;
    return this.#ask(async (store) => {
      const page = await store.search({
        ...rest,
        tenant,
        paymentId: payment,
        txHash: tx,
        policyVersion: policy,
        auditDepth: depth,
        auditProfile: profile,
        fromMs: from,
        toMs: to,
      });
      return { events: page.events.map(viewOf), next: page.next };
    });
  }

  @Route('readSpend')
  spend(@TheCaller() caller: Caller, @RouteQuery('readSpend') query: SpendParams) {
    const { tenant } = personOf(caller);
    return this.#ask(async (store) => {
      const { lines, truncated } = await store.spend({ ...query, tenant });
      const shown = lines.map((line) => ({ ...line, amount: line.amount.toString() }));
      return { lines: shown, truncated };
    });
  }

  @Route('runSql')
  sql(@TheCaller() caller: Caller, @RouteBody('runSql') { query }: { query: string }) {
    const { tenant } = personOf(caller);
    return this.#ask((store) => store.sql(tenant, query));
  }

  #ask<T extends object>(question: (store: EventStore) => Promise<T>) {
    const asked = async () => {
      const { store, archived } = await this.archive.upToDate();
      return { asOf: asOfOf(archived), ...(await question(store)) };
    };
    return orRefused(asked());
  }
}

function asOfOf({ treeSize, root, ends }: Archived) {
  return { treeSize, root, lanes: [...ends].map(([lane, end]) => `${lane}:${end}`).sort() };
}

function viewOf(event: FoundEvent): EventView {
  const { leaf, position, atMs, ignored, agent, paymentId, texts } = event;
  return {
    leaf,
    position: `${position.lane}:${position.offset}`,
    atMs,
    event: event.event,
    ignored: ignored === '' ? null : ignored,
    agent,
    paymentId,
    facts: factsOf(event),
    texts: { ...texts },
  };
}

const FACTS: readonly (
  keyof PaymentColumns | 'payments' | 'person' | 'code' | 'nonce' | 'txHash' | 'chainAtMs'
)[] = [
  ...([
    'kind',
    'task',
    'session',
    'seller',
    'category',
    'trust',
    'jurisdiction',
    'domain',
    'url',
  ] as const),
  ...([
    'network',
    'asset',
    'payTo',
    'amount',
    'amountUnits',
    'policyVersion',
    'policyHash',
  ] as const),
  ...([
    'outcome',
    'tier',
    'reasons',
    'auditDepth',
    'auditProfile',
    'wallet',
    'payments',
    'person',
    'code',
    'nonce',
    'txHash',
  ] as const),
  'chainAtMs',
];

function factsOf(event: FoundEvent): EventView['facts'] {
  const facts: EventView['facts'] = {};
  for (const name of FACTS) {
    const value = event[name];
    if (typeof value === 'object') {
      if (value.length > 0) facts[name] = [...value];
    } else if (typeof value === 'bigint') {
      if (value > 0n) facts[name] = value.toString();
    } else if (value !== '' && value !== 0) facts[name] = value;
  }
  return facts;
}
