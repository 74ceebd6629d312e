import { sha256Hex } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import { replayDecision } from '@countersign/policy';
import type { MakeInvariant } from './invariant.ts';

/** Invariant 6: every decision that policy signed comes out the same again, from nothing but the log. */
export const replay: MakeInvariant = ({ history }, report) => ({
  onRecord({ event, genuine, record }) {
    if (event?.name !== 'decision.made' || !genuine) return;
    const { tenant, paymentId, decision, through } = event.data;
    const where = `${paymentId} at ${record.lane}:${record.offset}`;
    const view = history.views[through];
    if (!view) return report(`${where}: decided by control that is not there`);
    const { active } = tenantOf(view, tenant);
    if ((decision.policy?.hash ?? null) !== (active?.hash ?? null))
      return report(`${where}: decided by another policy than was in force at its mark`);
    if (!active) {
      if (decision.verdict.outcome !== 'deny') report(`${where}: allowed without a policy`);
      return;
    }
    if (sha256Hex(active.text) !== active.hash) report(`${where}: its policy has another hash`);
    const document = history.document(tenant, active.hash);
    const again = document && replayDecision(document, decision);
    if (!again?.agrees)
      report(`${where}: ${decision.verdict.outcome}; replayed, ${again?.verdict.outcome}`);
  },
});
