import { describe, expect, it } from 'vitest';
import type { DutyShares } from '../duty.ts';

/** Replicas of one service, made for one test. */
export interface DutyUnderTest {
  /** Another replica, which has not joined. */
  replica(): Promise<DutyShares>;
  /**
   * From now on nobody can tell a replica who divides the lanes, until `end`. Left out where nobody has to be asked.
   *
   * @returns `missed`: resolves when a replica has given up asking
   */
  hideDivider?(): { readonly missed: Promise<void>; end(): void };
  /** Closes what is open and removes what was made. */
  dispose(): Promise<void>;
}

export interface DutyFactory {
  readonly capabilities: {
    /** Replicas divide the lanes; otherwise each holds all of them. */
    readonly divides: boolean;
  };
  create(laneCount: number): Promise<DutyUnderTest>;
}

const LANES = 6;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);
const held = (...shares: readonly DutyShares[]) =>
  lanes.map((lane) => shares.filter((share) => share.holds(lane)).length);
const each = (count: number) => lanes.map(() => count);
const holdsAll = (share: DutyShares) => String(held(share)) === String(each(1));
/** Each holds some, and none is held twice or by nobody. */
const isDivided = (one: DutyShares, other: DutyShares) =>
  [one, other].every((share) => held(share).includes(1)) &&
  String(held(one, other)) === String(each(1));

/** What every adapter of {@link DutyShares} guarantees. */
export function describeDuty(name: string, factory: DutyFactory): void {
  const clause = it.extend<{ subject: DutyUnderTest }>({
    // eslint-disable-next-line no-empty-pattern -- Vitest reads a fixture's needs from this pattern.
    subject: async ({}, use) => {
      const subject = await factory.create(LANES);
      await use(subject);
      await subject.dispose();
    },
  });
  const { divides } = factory.capabilities;

  describe(`${name} as duty`, () => {
    clause('gives every lane to a replica that is alone', async ({ subject }) => {
      const only = await joined(subject);
      await until([only], () => holdsAll(only));
      expect([-1, LANES].map((lane) => only.holds(lane))).toEqual([false, false]);
    });

    clause(
      'gives nothing to a replica before it joins, nor after it closed',
      async ({ subject }) => {
        const [idle, closed] = [await subject.replica(), await subject.replica()];
        await closed.close();
        closed.join();
        const only = await joined(subject);
        await until([only], () => holdsAll(only));
        expect(held(idle, closed)).toEqual(each(0));
        idle.join();
        await until([only, idle], () => (divides ? isDivided(only, idle) : holdsAll(idle)));
        expect(held(closed)).toEqual(each(0));
      },
    );

    clause('holds nothing once it is closed, be it twice', async ({ subject }) => {
      const only = await joined(subject);
      await until([only], () => only.holds(0));
      await Promise.all([only.close(), only.close()]);
      expect(held(only)).toEqual(each(0));
    });

    clause.runIf(divides)('divides the lanes among those who are there', async ({ subject }) => {
      const first = await joined(subject);
      await until([first], () => first.holds(0));
      const second = await joined(subject);
      await until([first, second], () => isDivided(first, second));
    });

    clause.runIf(divides)('gives back what one held who left', async ({ subject }) => {
      const [stays, leaves] = [await joined(subject), await joined(subject)];
      await until([stays, leaves], () => isDivided(stays, leaves));
      await leaves.close();
      await until([stays], () => holdsAll(stays));
    });

    clause.runIf(divides)('gives lanes after a join that found nobody', async ({ subject }) => {
      const hidden = subject.hideDivider?.();
      const only = await joined(subject);
      await hidden?.missed;
      hidden?.end();
      await until([only], () => holdsAll(only));
    });

    clause.runIf(divides)('tells only those who listen', async ({ subject }) => {
      const first = await joined(subject);
      await until([first], () => first.holds(0));
      let calls = 0;
      const stop = first.onChange(() => (calls += 1));
      const second = await joined(subject);
      await until([first, second], () => isDivided(first, second));
      expect(calls).toBeGreaterThan(0);
      const before = calls;
      stop();
      await second.close();
      await until([first], () => holdsAll(first));
      expect(calls).toBe(before);
    });
  });
}

/** Resolves when the replica has asked for its share, not when it has one. */
async function joined(subject: DutyUnderTest): Promise<DutyShares> {
  const share = await subject.replica();
  share.join();
  return share;
}

/** Waits on what the shares say, never on time. */
async function until(shares: readonly DutyShares[], isSo: () => boolean): Promise<void> {
  if (isSo()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stops = shares.map((share) => share.onChange(() => isSo() && resolve()));
  await promise;
  for (const stop of stops) stop();
}
