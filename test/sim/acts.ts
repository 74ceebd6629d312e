import { CONTROL, type Position } from '@countersign/ports';
import type { History, Seen } from './history.ts';

/** A stop that somebody was told is in force. */
export interface AcknowledgedStop {
  readonly kind: 'veto' | 'agent' | 'tenant';
  readonly tenant: string;
  readonly agent?: string;
  readonly paymentId?: string;
  /** Length of every lane when it was acknowledged. */
  readonly laneEnds: readonly number[];
  /** It was lifted again before the answer arrived: the answer says nothing about now. */
  readonly isLifted: boolean;
  /** Payments named as already beyond reach. */
  readonly tooLate: ReadonlySet<string>;
}

/** What agents and people really did, noted before it reaches the system: records of acts nobody did are forgeries. */
export class Acts {
  stops: AcknowledgedStop[] = [];
  /** By key of a wallet that somebody was told is revoked: the payments named as signed and not ended. */
  readonly revocations = new Map<string, ReadonlySet<string>>();
  readonly #done = new Map<string, number>();
  readonly #history: () => History;

  constructor(history: () => History) {
    this.#history = history;
  }

  /** Notes an act, such as `grant/<payment>/<person>/<decision>`. */
  note(act: string): void {
    this.#done.set(act, this.count(act) + 1);
  }

  count(act: string): number {
    return this.#done.get(act) ?? 0;
  }

  /** The log has lost records: what people were told of stops held for the log as it was. */
  forgetStops(): void {
    this.stops = [];
    this.revocations.clear();
  }

  /** @param position of the record that was acknowledged. */
  acknowledge(stop: Omit<AcknowledgedStop, 'laneEnds' | 'isLifted'>, position?: Position): void {
    const { lanes } = this.#history();
    const isLifted = position !== undefined && this.#isLifted(stop, position);
    this.stops.push({ ...stop, isLifted, laneEnds: lanes.map((lane) => lane.length) });
  }

  #isLifted({ tenant, agent }: { tenant: string; agent?: string }, position: Position): boolean {
    const { control, lanes } = this.#history();
    const since = (all: readonly Seen[] | undefined) => (all ?? []).slice(position.offset);
    if (position.lane === CONTROL)
      return since(control).some(
        ({ event, applied }) =>
          applied && event?.name === 'tenant.unfrozen' && event.data.tenant === tenant,
      );
    return since(lanes[Number(position.lane)]).some(
      ({ event, applied }) =>
        applied &&
        event?.name === 'agent.unfrozen' &&
        event.data.tenant === tenant &&
        event.data.agent === agent,
    );
  }
}
