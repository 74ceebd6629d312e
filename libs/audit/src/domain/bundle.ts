import {
  type Authorization,
  type EventData,
  type EventName,
  type EventOf,
  ProofBundle,
  type ProvenRecord,
  decodeEvent,
} from '@countersign/contracts';
import { InvariantViolation, canonicalText } from '@countersign/kernel';

/** A file that is no bundle at all: nothing in it is looked at. */
export class NotAProof extends Error {
  override readonly name = 'NotAProof';
}

/**
 * Reads the text of a bundle. There is one text for each bundle, so that a digest of the file is one of what it says.
 *
 * @param text canonical JSON; a line feed may follow.
 * @throws NotAProof.
 */
export function readBundle(text: string): ProofBundle {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new NotAProof('it is not JSON');
  }
  const bundle = ProofBundle.safeParse(json);
  if (!bundle.success) {
    const [issue] = bundle.error.issues;
    throw new NotAProof(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'of another form'}`);
  }
  if (bundleText(bundle.data) !== text.replace(/\n$/, ''))
    throw new NotAProof('it is not in its canonical form');
  return bundle.data;
}

/** The bundle as a file holds it. */
export function bundleText(bundle: ProofBundle): string {
  try {
    return canonicalText(bundle);
  } catch (error) {
    if (error instanceof InvariantViolation) throw new NotAProof(error.message);
    throw error;
  }
}

/** A record of a bundle, and the event it is. */
export type Proven<N extends EventName = EventName> = {
  readonly event: EventOf<N>;
  readonly record: ProvenRecord;
};

/** What the records of a bundle tell, as far as they can be read. */
export class ProvenPayment {
  readonly paymentId: string;
  /** By leaf. */
  readonly all: readonly Proven[];

  constructor({ paymentId, records }: ProofBundle) {
    this.paymentId = paymentId;
    this.all = records.flatMap((record): Proven[] => {
      const event = decodeEvent(new TextEncoder().encode(record.bytes));
      return 'undecodable' in event ? [] : [{ event, record }];
    });
  }

  named<N extends EventName>(name: N): readonly Proven<N>[] {
    return this.all.filter((it): it is Proven<N> => it.event.name === name);
  }

  get intent(): EventData<'intent.submitted'> | undefined {
    return this.named('intent.submitted')[0]?.event.data;
  }

  /** Every authorization that was recorded, the renewed ones last. */
  get authorizations(): readonly Authorization[] {
    const recorded = [...this.named('authorization.fixed'), ...this.named('authorization.renewed')];
    return recorded.map(({ event }) => event.data.authorization);
  }
}
