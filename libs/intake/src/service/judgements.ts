import type { Folded, LaneHost } from '@countersign/service-kit';

/** Positions of records that were ignored, for timelines; what is not in it was applied. */
export class JudgementIndex {
  readonly #ignored = new Map<string, Folded>();

  constructor(host: LaneHost) {
    host.onRecord((record, folded) => {
      if (!folded.applied) this.#ignored.set(`${record.lane}:${record.offset}`, folded);
    });
  }

  of(record: { readonly lane: string; readonly offset: number }): Folded | undefined {
    return this.#ignored.get(`${record.lane}:${record.offset}`);
  }
}
