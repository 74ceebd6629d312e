import { type EventData, decodeEvent, isControlEvent } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import type { Payment, PolicyVersion } from '@countersign/payment';
import { parsePolicyText } from '@countersign/policy/text';
import { CONTROL, type LogRecord } from '@countersign/ports';
import { type LaneHost, type TrustedKeys, isByPerson, isGenuine } from '@countersign/service-kit';
import { type InForce, PoliciesInForce, isPolicyEvent } from '../domain/policies-in-force.ts';
import type { Checked } from '../domain/preconditions.ts';

/** A payment's signed records as the log has them, each with whether its signature is genuine. */
export async function signedRecordsOf(
  host: LaneHost,
  trusted: TrustedKeys,
  payment: Payment,
): Promise<{
  decisions: ReadonlyMap<string, Checked<EventData<'decision.made'>>>;
  grants: readonly Checked<EventData<'approval.granted'>>[];
}> {
  const decisions = new Map<string, Checked<EventData<'decision.made'>>>();
  const grants: Checked<EventData<'approval.granted'>>[] = [];
  for (const record of await host.recordsOf(payment.id)) {
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event) continue;
    if (event.name === 'decision.made')
      decisions.set(event.id, {
        id: event.id,
        data: event.data,
        genuine: isGenuine(trusted, event, record.stampMs),
      });
    if (event.name === 'approval.granted')
      grants.push({
        id: event.id,
        data: event.data,
        genuine: isGenuine(trusted, event, record.stampMs) && isByPerson(host.control, event.data),
      });
  }
  return { decisions, grants };
}

/** Policies the signer has convinced itself of, by tenant: put and activated in statements signed by policy. */
export class VerifiedPolicies {
  readonly #host: LaneHost;
  readonly #trusted: TrustedKeys;
  readonly #tenants = new Map<string, PoliciesInForce>();
  #next = 0;
  #atMs = 0;

  constructor(host: LaneHost, trusted: TrustedKeys) {
    this.#host = host;
    this.#trusted = trusted;
  }

  /** Reads `control` as far as it has been folded; call before {@link inForce}. */
  async refresh(): Promise<void> {
    for (;;) {
      const folded = this.#host.control.offset + 1;
      const max = Math.min(500, folded - this.#next);
      if (max <= 0) return;
      const from = this.#next;
      const records = await this.#host.log.read(CONTROL, from, max);
      // Somebody else read on meanwhile.
      if (this.#next !== from) continue;
      for (const record of records) this.#take(record);
      if (records.length === 0) return;
    }
  }

  /** What the signer makes of `policy`; null if it never saw it put and activated by policy's own key. */
  inForce(tenant: string, policy: PolicyVersion | null): InForce | null {
    return policy && (this.#tenants.get(tenant)?.inForce(policy.hash) ?? null);
  }

  /** The policy a decision names, if the signer ever went by it. */
  believed({ tenant, decision }: Pick<EventData<'decision.made'>, 'tenant' | 'decision'>) {
    return decision.policy ? this.#tenants.get(tenant)?.believed(decision.policy.hash) : undefined;
  }

  #take(record: LogRecord): void {
    const { offset, stampMs, bytes } = record;
    this.#next = offset + 1;
    this.#atMs = Math.max(this.#atMs, stampMs);
    const event = decodeEvent(bytes);
    if ('undecodable' in event || !isControlEvent(event) || !isPolicyEvent(event)) return;
    if (this.#host.ignoredAt({ lane: CONTROL, offset }) !== null) return;
    if (!isGenuine(this.#trusted, event, stampMs)) return;
    const { tenant } = event.data;
    const policies = this.#tenants.get(tenant) ?? new PoliciesInForce();
    this.#tenants.set(tenant, policies);
    if (event.name !== 'policy.put') policies.take(event, this.#atMs);
    else if (sha256Hex(event.data.text) === event.data.hash)
      policies.put(event.data.hash, parsePolicyText(event.data.text).document);
  }
}
