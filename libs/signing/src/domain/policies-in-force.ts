import type { ControlEvent, EventData, PolicyDocument } from '@countersign/contracts';
import { loosenings } from '@countersign/policy';

/** A policy whose text the signer has read and hashed itself. */
export interface KnownPolicy {
  readonly hash: string;
  readonly document: PolicyDocument;
}

/** What the signer makes of the policy in force: it goes by it, or says why not. */
export type InForce = KnownPolicy | { readonly refused: string };

type OneOf<N extends ControlEvent['name']> = Extract<ControlEvent, { name: N }>;
/** Records that say which policy is in force, and since when it was to be. */
export type PolicyEvent = OneOf<
  'policy.put' | 'policy.activated' | 'change.scheduled' | 'change.canceled'
>;

const POLICY_EVENTS: readonly string[] = [
  'policy.put',
  'policy.activated',
  'change.scheduled',
  'change.canceled',
] satisfies readonly PolicyEvent['name'][];

export function isPolicyEvent(event: ControlEvent): event is PolicyEvent {
  return POLICY_EVENTS.includes(event.name);
}

/**
 * The policies of one tenant, by records that policy signed and the fold applied. What a record says of itself is not
 * believed: whether an activation loosens follows from the two texts, how long it had to wait from the text before, and
 * that it waited from the log. Compared is with the last policy the signer went by, so that nothing it refused becomes
 * what the next one is compared with.
 */
export class PoliciesInForce {
  readonly #put = new Map<string, PolicyDocument>();
  readonly #scheduled = new Map<string, { readonly version: number; hash: string; atMs: number }>();
  #convinced: KnownPolicy | undefined;
  /** Every policy it ever went by, by hash: people may have been asked under one that is no longer in force. */
  readonly #believed = new Map<string, PolicyDocument>();
  #refused: { readonly hash: string; readonly why: string } | undefined;

  /** @param text the parsed text of a `policy.put` whose bytes have the hash it names. */
  put(hash: string, text: PolicyDocument): void {
    this.#put.set(hash, text);
  }

  /** @param atMs log time of the record. */
  take(event: Exclude<PolicyEvent, { name: 'policy.put' }>, atMs: number): void {
    if (event.name === 'change.canceled') this.#scheduled.delete(event.data.change);
    else if (event.name === 'policy.activated') this.#activate(event.data, atMs);
    else if (event.data.change.kind === 'policy.activated') {
      const { version, hash } = event.data.change;
      this.#scheduled.set(event.id, { version, hash, atMs });
    }
  }

  /** What the signer makes of the policy of this hash; null for one it never saw activated. */
  inForce(hash: string): InForce | null {
    if (this.#refused?.hash === hash) return { refused: this.#refused.why };
    return this.#convinced?.hash === hash ? this.#convinced : null;
  }

  /** The policy of this hash, if the signer ever went by it. */
  believed(hash: string): PolicyDocument | undefined {
    return this.#believed.get(hash);
  }

  #activate(data: EventData<'policy.activated'>, atMs: number): void {
    const { hash } = data;
    const document = this.#put.get(hash);
    if (!document) return;
    const why = this.#refusal(data, document, atMs);
    this.#refused = why === undefined ? undefined : { hash, why };
    if (why !== undefined) return;
    this.#convinced = { hash, document };
    this.#believed.set(hash, document);
  }

  #refusal(
    data: EventData<'policy.activated'>,
    document: PolicyDocument,
    atMs: number,
  ): string | undefined {
    // Everybody else goes by what the record says of the wait.
    if ((data.delayMs ?? 0) !== delayMsOf(document))
      return 'its activation names another wait than its text';
    const before = this.#convinced?.document;
    const waitMs = before ? delayMsOf(before) : 0;
    if (!before || waitMs === 0) return undefined;
    const [first] = loosenings(before, document);
    if (first === undefined) return undefined;
    const { scheduled = '', version, hash } = data;
    const order = this.#scheduled.get(scheduled);
    const isOrdered = order?.version === version && order.hash === hash;
    if (!order || !isOrdered) return `it loosens, and was not scheduled: ${first}`;
    const waitedMs = atMs - order.atMs;
    return waitedMs < waitMs
      ? `it loosens, and waited ${waitedMs} of ${waitMs} ms: ${first}`
      : undefined;
  }
}

function delayMsOf({ loosening }: PolicyDocument): number {
  return (loosening?.delaySeconds ?? 0) * 1_000;
}
