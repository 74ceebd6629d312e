import type { FoundEvent, LogRecord, PaymentColumns, RecordColumns } from '@countersign/ports';
import { type Row, list, number, text } from './select.ts';

/** What {@link paymentColumnsOf} reads. */
export const PAYMENT_COLUMNS = `kind, task, session, seller, category, trust, jurisdiction, domain, url, network, asset, pay_to,
  toString(amount) AS amount_text, toString(amount_units) AS units_text, policy_version, policy_hash, outcome, tier, reasons, audit_depth, audit_profile,
  wallet`;
/** What {@link eventOf} reads. */
export const EVENT_COLUMNS = `toFloat64(leaf) AS leaf_number, lane, toFloat64(lane_offset) AS offset_number, tenant, agent, event, ignored,
  payment_id, payments, person, code, nonce, tx_hash, toFloat64(toUnixTimestamp64Milli(at)) AS at_ms,
  toFloat64(toUnixTimestamp64Milli(chain_at)) AS chain_ms, ${PAYMENT_COLUMNS}`;

/** Largest value of the UInt64 column; the unit of account is refused far below it. */
const UINT64_MAX = 2n ** 64n - 1n;

/** An amount as its column takes it. */
export function asUnits(amountUnits: bigint): bigint {
  return amountUnits > UINT64_MAX ? UINT64_MAX : amountUnits;
}

/** The row that selecting {@link EVENT_COLUMNS} gives of a record. */
export function rowOf(leaf: number, record: LogRecord, columns: RecordColumns): Row {
  return {
    leaf_number: leaf,
    lane: record.lane,
    offset_number: record.offset,
    tenant: columns.tenant,
    agent: columns.agent,
    event: columns.event,
    ignored: columns.ignored,
    payment_id: columns.paymentId,
    payments: columns.payments,
    person: columns.person,
    code: columns.code,
    nonce: columns.nonce,
    tx_hash: columns.txHash,
    at_ms: record.stampMs,
    chain_ms: columns.chainAtMs,
    kind: columns.kind,
    task: columns.task,
    session: columns.session,
    seller: columns.seller,
    category: columns.category,
    trust: columns.trust,
    jurisdiction: columns.jurisdiction,
    domain: columns.domain,
    url: columns.url,
    network: columns.network,
    asset: columns.asset,
    pay_to: columns.payTo,
    amount_text: String(columns.amount),
    units_text: String(asUnits(columns.amountUnits)),
    policy_version: columns.policyVersion,
    policy_hash: columns.policyHash,
    outcome: columns.outcome,
    tier: columns.tier,
    reasons: columns.reasons,
    audit_depth: columns.auditDepth,
    audit_profile: columns.auditProfile,
    wallet: columns.wallet,
  };
}

export function eventOf(row: Row, texts: FoundEvent['texts']): FoundEvent {
  return {
    ...paymentColumnsOf(row),
    leaf: number(row, 'leaf_number'),
    position: { lane: text(row, 'lane'), offset: number(row, 'offset_number') },
    atMs: number(row, 'at_ms'),
    tenant: text(row, 'tenant'),
    agent: text(row, 'agent'),
    event: text(row, 'event'),
    ignored: text(row, 'ignored'),
    paymentId: text(row, 'payment_id'),
    payments: list(row, 'payments'),
    person: text(row, 'person'),
    code: text(row, 'code'),
    nonce: text(row, 'nonce'),
    txHash: text(row, 'tx_hash'),
    chainAtMs: number(row, 'chain_ms'),
    texts,
  };
}

export function paymentColumnsOf(row: Row): PaymentColumns {
  return {
    kind: text(row, 'kind'),
    task: text(row, 'task'),
    session: text(row, 'session'),
    seller: text(row, 'seller'),
    category: text(row, 'category'),
    trust: text(row, 'trust'),
    jurisdiction: text(row, 'jurisdiction'),
    domain: text(row, 'domain'),
    url: text(row, 'url'),
    network: text(row, 'network'),
    asset: text(row, 'asset'),
    payTo: text(row, 'pay_to'),
    amount: BigInt(text(row, 'amount_text')),
    amountUnits: BigInt(text(row, 'units_text')),
    policyVersion: number(row, 'policy_version'),
    policyHash: text(row, 'policy_hash'),
    outcome: text(row, 'outcome'),
    tier: text(row, 'tier'),
    reasons: list(row, 'reasons'),
    auditDepth: text(row, 'audit_depth'),
    auditProfile: text(row, 'audit_profile'),
    wallet: text(row, 'wallet'),
  };
}
