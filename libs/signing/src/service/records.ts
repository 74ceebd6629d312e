import {
  type ControlEvent,
  type EventData,
  type PolicyDocument,
  decodeEvent,
  isControlEvent,
} from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import type { Payment, PolicyVersion } from '@countersign/payment';
import { parsePolicyText } from '@countersign/policy/text';
import { CONTROL } from '@countersign/ports';
import { type LaneHost, type TrustedKeys, isGenuine } from '@countersign/service-kit';
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
        genuine: isGenuine(trusted, event),
      });
    if (event.name === 'approval.granted')
      grants.push({
        id: event.id,
        data: event.data,
        genuine: isGenuine(trusted, event),
      });
  }
  return { decisions, grants };
}

/** Policies the signer has convinced itself of: put and activated in statements signed by policy. */
export class VerifiedPolicies {
  readonly #host: LaneHost;
  readonly #trusted: TrustedKeys;
  readonly #put = new Map<string, PolicyDocument>();
  readonly #activated = new Set<string>();
  #next = 0;

  constructor(host: LaneHost, trusted: TrustedKeys) {
    this.#host = host;
    this.#trusted = trusted;
  }

  /** Reads `control` to its end; call before {@link inForce}. */
  async refresh(): Promise<void> {
    for (;;) {
      const records = await this.#host.log.read(CONTROL, this.#next, 500);
      for (const record of records) {
        const event = decodeEvent(record.bytes);
        if (!('undecodable' in event) && isControlEvent(event)) this.#take(event);
        this.#next = record.offset + 1;
      }
      if (records.length < 500) return;
    }
  }

  /** The document of `policy`, if the signer saw it put and activated by policy's own key. */
  inForce(
    tenant: string,
    policy: PolicyVersion | null,
  ): { hash: string; document: PolicyDocument } | null {
    if (!policy) return null;
    const key = `${tenant}/${policy.hash}`;
    const document = this.#put.get(key);
    if (!document || !this.#activated.has(key)) return null;
    return { hash: policy.hash, document };
  }

  #take(event: ControlEvent): void {
    if (event.name !== 'policy.put' && event.name !== 'policy.activated') return;
    if (!isGenuine(this.#trusted, event)) return;
    const key = `${event.data.tenant}/${event.data.hash}`;
    if (event.name === 'policy.activated') this.#activated.add(key);
    else if (sha256Hex(event.data.text) === event.data.hash)
      this.#put.set(key, parsePolicyText(event.data.text).document);
  }
}
