import {
  type ControlEvent,
  type RefusalCode,
  decodeEvent,
  isControlEvent,
} from '@countersign/contracts';
import { type ControlView, EMPTY_CONTROL, EMPTY_HEAD, foldControl } from '@countersign/payment';
import type { LogRecord } from '@countersign/ports';
import { type Link, linked } from './link.ts';
import { type TrustedKeys, isGenuine } from './statements.ts';

/** `control` up to one of its records, with the record's place in the running hash. */
export interface ControlPoint extends Link {
  readonly view: ControlView;
}

interface Judged {
  readonly view: ControlView;
  readonly code: RefusalCode | null;
  readonly event: ControlEvent | undefined;
}

const START: ControlPoint = { view: EMPTY_CONTROL, head: EMPTY_HEAD, leaf: '' };

/** `control`, folded; every version of it that a lane may still be marked with is kept. */
export class ControlFold {
  readonly #trusted: TrustedKeys;
  /** Offset at which each order stood first, applied or not: an order counts once, however often it stands there. */
  readonly #orders: { get(id: string): number | undefined; set(id: string, offset: number): void };
  readonly #points = new Map<number, ControlPoint>([[-1, START]]);
  #last = START;

  constructor(
    trusted: TrustedKeys,
    orders: { get(id: string): number | undefined; set(id: string, offset: number): void },
  ) {
    this.#trusted = trusted;
    this.#orders = orders;
  }

  get view(): ControlView {
    return this.#last.view;
  }

  get head(): string {
    return this.#last.head;
  }

  /** `control` folded up to and including an offset; undefined before it came so far, and after it was forgotten. */
  at(offset: number): ControlPoint | undefined {
    return this.#points.get(offset);
  }

  /** Goes on from a point that was folded before. */
  resume(point: ControlPoint): void {
    this.#last = point;
    this.#points.set(point.view.offset, point);
  }

  /** Why the record was ignored, or null; and what it says, where it is decodable. */
  take(record: LogRecord): Pick<Judged, 'code' | 'event'> {
    const { view, code, event } = this.#judge(record);
    this.#last = { view, ...linked(this.#last.head, record) };
    this.#points.set(record.offset, this.#last);
    return { code, event };
  }

  /** Marks only go forward: what every lane has passed will not be asked for again. */
  forget(passed: number): void {
    for (const offset of this.#points.keys()) if (offset < passed) this.#points.delete(offset);
  }

  #judge(record: LogRecord): Judged {
    const { offset } = record;
    const event = decodeEvent(record.bytes);
    const here = { ...this.view, offset };
    if ('undecodable' in event || !isControlEvent(event))
      return { view: here, code: 'undecodable', event: undefined };
    const ignored = (code: RefusalCode) => ({ view: here, code, event });
    // A later fold of the same record finds its own first place, which is no repeat.
    const first = this.#orders.get(event.id);
    if (first !== undefined && first < offset) return ignored('duplicate');
    if (!isGenuine(this.#trusted, event, record.stampMs)) return ignored('not_genuine');
    this.#orders.set(event.id, offset);
    const judged = foldControl(this.view, record, event);
    return { view: judged.view, code: judged.applied ? null : judged.code, event };
  }
}
