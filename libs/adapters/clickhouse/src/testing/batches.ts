import type { ArchiveBatch, RecordColumns } from '@countersign/ports';

export const BATCH_RECORDS = 50;
const START_MS = Date.UTC(2026, 8, 1);

/** The batch of one sequence number, always the same: what a recorder would make of the log again. */
export function batchOf(sequence: number): ArchiveBatch {
  const from = sequence * BATCH_RECORDS;
  const to = from + BATCH_RECORDS;
  return {
    cut: { sequence, lane: '0', from, to, treeSize: to },
    tree: { root: `r${sequence}`, frontier: [] },
    records: Array.from({ length: BATCH_RECORDS }, (_, index) => {
      const offset = from + index;
      const bytes = new TextEncoder().encode(`{"n":${offset}}`);
      return {
        record: { lane: '0', offset, stampMs: START_MS + offset, key: 'acme/a', bytes },
        columns: columnsOf(offset),
        openings: [{ field: 'purpose', value: `Übersetzung Ä${offset}`, salt: 'ab' }],
      };
    }),
  };
}

function columnsOf(offset: number): RecordColumns {
  return {
    ...{ tenant: 'acme', agent: `agent-${offset % 3}`, event: 'settlement.final', ignored: '' },
    ...{ paymentId: `pay_0_${offset}`, person: '', code: '', nonce: '', txHash: `0x${offset}` },
    payments: [],
    ...{ chainAtMs: START_MS + offset, kind: 'payment', task: 'none', seller: 's', category: 'c' },
    ...{ trust: 'known', jurisdiction: 'DE', domain: 'd', url: 'https://d/', network: 'n' },
    ...{ asset: 'a', payTo: '0x1', amount: 1n, amountUnits: 1n, policyVersion: 1, policyHash: 'h' },
    ...{ outcome: 'allow', tier: 't', reasons: ['ok'], auditDepth: 'full', auditProfile: '' },
    ...{ session: 'none', wallet: 'w' },
  };
}
