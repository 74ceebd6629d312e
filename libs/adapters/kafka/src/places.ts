import { invariant } from '@countersign/kernel';
import { ARCHIVE, CONTROL, type LaneId } from '@countersign/ports';

/** A partition of a topic. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Which partition holds which lane. Lanes are the partitions of one topic; `control` and `archive` are topics of one. */
export class Places {
  readonly laneCount: number;
  /** The topic of one record that says which log this is. */
  readonly identity: string;
  readonly topics: { readonly lanes: string; readonly control: string; readonly archive: string };
  readonly #places: ReadonlyMap<LaneId, Place>;

  /** @param prefix put before every topic's name, so that several logs can share brokers */
  constructor(laneCount: number, prefix: string) {
    this.laneCount = laneCount;
    this.identity = `${prefix}identity`;
    this.topics = {
      lanes: `${prefix}lanes`,
      control: `${prefix}control`,
      archive: `${prefix}archive`,
    };
    const numbered = Array.from({ length: laneCount }, (_, partition): [LaneId, Place] => [
      String(partition),
      { topic: this.topics.lanes, partition },
    ]);
    this.#places = new Map<LaneId, Place>([
      [CONTROL, { topic: this.topics.control, partition: 0 }],
      [ARCHIVE, { topic: this.topics.archive, partition: 0 }],
      ...numbered,
    ]);
  }

  /** @throws InvariantViolation when there is no such lane. */
  of(lane: LaneId): Place {
    const place = this.#places.get(lane);
    invariant(place !== undefined, `no such lane: ${lane}`);
    return place;
  }
}
