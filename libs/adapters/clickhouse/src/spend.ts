import type { ClickHouseClient } from '@clickhouse/client';
import { SPEND_LINES_MAX, type SpendQuery, type SpendReport } from '@countersign/ports';
import { number, select, text } from './select.ts';

/** From the rollup, which has a row for each day, place and reason. */
export async function spend(client: ClickHouseClient, query: SpendQuery): Promise<SpendReport> {
  const { tenant, from, to, agent } = query;
  const keys = `day, agent, kind, network, asset, seller, domain, category, task, policy_version, policy_hash, tier, reason`;
  const rows = await select(
    client,
    `SELECT toString(day) AS day_text, ${keys}, toString(sum(amount)) AS amount_text, toFloat64(sum(payments)) AS count
     FROM spend_by_reason
     WHERE tenant = {tenant:String} AND day BETWEEN {from:Date} AND {to:Date} ${agent === undefined ? '' : 'AND agent = {agent:String}'}
     GROUP BY ${keys} ORDER BY day DESC, agent, sum(amount) DESC, seller, domain, task, reason LIMIT ${SPEND_LINES_MAX + 1}`,
    { tenant, from, to, agent },
  );
  const lines = rows.slice(0, SPEND_LINES_MAX).map((row) => ({
    day: text(row, 'day_text'),
    agent: text(row, 'agent'),
    kind: text(row, 'kind'),
    network: text(row, 'network'),
    asset: text(row, 'asset'),
    seller: text(row, 'seller'),
    domain: text(row, 'domain'),
    category: text(row, 'category'),
    task: text(row, 'task'),
    policyVersion: number(row, 'policy_version'),
    policyHash: text(row, 'policy_hash'),
    tier: text(row, 'tier'),
    reason: text(row, 'reason'),
    amount: BigInt(text(row, 'amount_text')),
    payments: number(row, 'count'),
  }));
  return { lines, truncated: rows.length > SPEND_LINES_MAX };
}
