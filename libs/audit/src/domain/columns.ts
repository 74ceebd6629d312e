import {
  type EventName,
  type EventOf,
  type Quote,
  type Resource,
  authorityOf,
} from '@countersign/contracts';
import type { PaymentColumns, RecordColumns } from '@countersign/ports';

const UNKNOWN: PaymentColumns = {
  kind: '',
  task: '',
  session: '',
  seller: '',
  category: '',
  trust: '',
  jurisdiction: '',
  domain: '',
  url: '',
  network: '',
  asset: '',
  payTo: '',
  amount: 0n,
  amountUnits: 0n,
  policyVersion: 0,
  policyHash: '',
  outcome: '',
  tier: '',
  reasons: [],
  auditDepth: '',
  auditProfile: '',
  wallet: '',
};

const NONE = {
  tenant: '',
  agent: '',
  event: '',
  ignored: '',
  paymentId: '',
  payments: [],
  person: '',
  code: '',
  nonce: '',
  txHash: '',
  chainAtMs: 0,
};

/** A record's event, and whether it counted. */
export interface Judged {
  /** Null for bytes that are no event of ours. */
  readonly event: EventOf<EventName> | null;
  /** Code with which the fold ignored it. */
  readonly ignored: string | null;
}

/**
 * The columns of a record. What an ignored record says stands in its own row only: rows after it go on from what counted.
 *
 * @param before columns of its payment up to here; undefined for the first record of one.
 */
export function columnsOf({ event, ignored }: Judged, before?: PaymentColumns): RecordColumns {
  if (!event) return { ...UNKNOWN, ...NONE, ignored: ignored ?? '' };
  const { data } = event;
  return {
    ...UNKNOWN,
    ...before,
    ...namedIn(event),
    ...toldOf(event),
    ...NONE,
    ...evidenceOf(event),
    event: event.name,
    ignored: ignored ?? '',
    tenant: 'tenant' in data ? data.tenant : '',
    agent: 'agent' in data ? data.agent : '',
    paymentId: 'paymentId' in data ? data.paymentId : '',
    payments: 'payments' in data ? data.payments : [],
    person: personOf(event),
    code: codeOf(event),
  };
}

/** The part of a row that the payment's next row starts from. */
export function paymentColumnsOf(columns: RecordColumns): PaymentColumns {
  const kept = Object.keys(UNKNOWN) as (keyof PaymentColumns)[];
  return Object.fromEntries(kept.map((name) => [name, columns[name]])) as unknown as PaymentColumns;
}

/** What an event names itself, whatever event it is. */
function namedIn({ data }: EventOf<EventName>): Partial<PaymentColumns> {
  return {
    ...('task' in data && data.task !== undefined && { task: data.task }),
    ...('session' in data && { session: data.session }),
    ...('wallet' in data && { wallet: data.wallet }),
  };
}

/** What an event tells about its payment. */
function toldOf(event: EventOf<EventName>): Partial<PaymentColumns> {
  switch (event.name) {
    case 'intent.submitted': {
      const { kind, quote, resource, asserted } = event.data;
      const { task = '', session = '' } = asserted;
      return { kind, task, session, ...termsOf(quote, resource) };
    }
    case 'payment.claimed':
      return termsOf(event.data.quote, event.data.resource);
    case 'decision.made':
      return decidedOf(event.data.decision);
    case 'authorization.fixed': {
      const { walletId, authorization } = event.data;
      return { wallet: walletId, payTo: authorization.to, amount: BigInt(authorization.value) };
    }
    case 'policy.put':
    case 'policy.activated':
      return { policyVersion: event.data.version, policyHash: event.data.hash };
    case 'seller.registered': {
      const { seller, category, trust, jurisdiction, domain } = event.data.seller;
      return { seller, category, trust, jurisdiction, domain };
    }
    case 'seller.removed':
      return { seller: event.data.seller };
    default:
      return {};
  }
}

function termsOf(quote: Quote, resource: Resource): Partial<PaymentColumns> {
  const { network, asset, payTo, amount } = quote;
  const { url } = resource;
  return { network, asset, payTo, amount: BigInt(amount), url, domain: authorityOf(url) ?? '' };
}

function decidedOf(
  decision: EventOf<'decision.made'>['data']['decision'],
): Partial<PaymentColumns> {
  const { policy, facts, verdict } = decision;
  const { seller, category, trust, jurisdiction, domain, task, session } = facts.established;
  return {
    seller,
    category,
    trust,
    jurisdiction,
    domain,
    task,
    session: session ?? 'none',
    policyVersion: policy?.version ?? 0,
    policyHash: policy?.hash ?? '',
    outcome: verdict.outcome,
    tier: verdict.tier ?? '',
    reasons: verdict.reasons,
    auditDepth: verdict.audit?.depth ?? 'full',
    auditProfile: verdict.audit?.profile ?? '',
    amountUnits: BigInt(verdict.amountUnits),
  };
}

/** What ties an event to the chain. */
function evidenceOf({ data }: EventOf<EventName>): Partial<RecordColumns> {
  if ('authorization' in data) return { nonce: data.authorization.nonce };
  if ('outflow' in data)
    return { txHash: data.outflow.transactionHash, nonce: data.outflow.nonce ?? '' };
  if ('transfer' in data) {
    const { transactionHash, block } = data.transfer;
    return { txHash: transactionHash, chainAtMs: block.timeMs };
  }
  if ('head' in data) return { chainAtMs: data.head.timeMs };
  return 'finalized' in data ? { chainAtMs: data.finalized.timeMs } : {};
}

/** The person an event names as its actor. */
function personOf({ data }: EventOf<EventName>): string {
  if ('person' in data) return data.person;
  if ('by' in data) return data.by;
  return 'orderedBy' in data ? (data.orderedBy ?? '') : '';
}

function codeOf(event: EventOf<EventName>): string {
  if (event.name === 'approval.expired') return event.data.cause;
  return 'code' in event.data ? event.data.code : '';
}
