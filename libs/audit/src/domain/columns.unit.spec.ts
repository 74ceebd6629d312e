import { readFileSync, readdirSync } from 'node:fs';
import { decodeEvent } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { columnsOf } from './columns.ts';

const folder = new URL('../../../../test/golden/events/', import.meta.url);

/** What stands under a name anywhere in an event. */
function under(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, it]) => (key === name ? [it] : under(it, name)));
}

describe('columns of a record', () => {
  it.each(readdirSync(folder))('of %s hold all that it is searched by', (file) => {
    const event = decodeEvent(readFileSync(new URL(file, folder)));
    if ('undecodable' in event) throw new Error(event.undecodable);
    const columns = columnsOf({ event, ignored: null });
    const { task, wallet, walletId, session, payments, paymentId } = event.data as Partial<
      Record<string, unknown>
    >;
    if (task !== undefined) expect(columns.task).toBe(task);
    if (session !== undefined) expect(columns.session).toBe(session);
    if (wallet ?? walletId) expect(columns.wallet).toBe(wallet ?? walletId);
    expect(columns.payments).toEqual(payments ?? []);
    expect(columns.paymentId).toBe(paymentId ?? '');
    for (const hash of under(event.data, 'transactionHash')) expect(columns.txHash).toBe(hash);
    for (const nonce of under(event.data, 'nonce')) expect(columns.nonce).toBe(nonce ?? '');
  });
});
