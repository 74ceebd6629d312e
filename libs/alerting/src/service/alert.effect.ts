import type { EventData } from '@countersign/contracts';
import type { Notifier } from '@countersign/ports';
import { type Effect, type LaneHost, amountText } from '@countersign/service-kit';

const SEVERITY: Readonly<Record<string, EventData<'alert.raised'>['severity']>> = {
  prohibited_attempt: 'critical',
  settlement_mismatch: 'critical',
  stopped_after_authorization: 'critical',
  signer_refused: 'warning',
  nothing_came_back: 'warning',
  flagged: 'info',
};

/** Tells people, then records that they were told; a crash in between tells them twice under the same id. */
export function alertEffect(parts: {
  host: LaneHost;
  notifier: Notifier;
  pageUrl: string;
}): Effect {
  return async (payment, debt) => {
    const { code } = debt;
    if (code === undefined) return;
    const { tenant, agent, id: paymentId, quote, resource, phase } = payment;
    const reasons = phase.status === 'ended' ? (phase.verdict?.reasons ?? []) : [];
    await parts.notifier.notify({
      id: `${paymentId}/${code}`,
      kind: 'alert',
      tenant,
      paymentId,
      title: `${code.replaceAll('_', ' ')}: ${agent}, ${amountText(quote)}`,
      facts: [
        { name: 'Payee', value: quote.payTo },
        { name: 'For', value: `${resource.method} ${resource.url}` },
        { name: 'Reasons', value: reasons.join(', ') || 'none' },
      ],
      link: `${parts.pageUrl}#${paymentId}`,
    });
    const severity = SEVERITY[code] ?? 'warning';
    await parts.host.append(
      'alert.raised',
      { tenant, agent, paymentId, code, severity },
      { cause: `${paymentId}/${code}` },
    );
    return { againAfterMs: 50 };
  };
}
