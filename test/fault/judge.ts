import type { Verdict } from './checks.ts';
import type { Injected } from './injector.ts';
import type { FaultKind } from './plan.ts';

/** How much a run had to look at. */
export interface Counts {
  readonly settled: number;
  /** That were acknowledged as in time. */
  readonly vetoes: number;
  readonly recounts: number;
}

export interface Judged {
  readonly verdicts: readonly Verdict[];
  readonly counts: Counts;
  readonly injected: readonly Pick<Injected, 'planned' | 'missed'>[];
  /** Faults that were asked for. */
  readonly asked: number;
  /** Whoever limits the time may be content with fewer. */
  readonly allowFewer: boolean;
}

/** They wait for a point at which to strike, and strike all the same when it does not come. */
const AIMED: readonly FaultKind[] = ['kill at a record', 'kill on the wire'];
/** Fewer say nothing about how many of them come too late. */
const AIMED_MIN = 10;
/** About one in ten faults sees a veto in time: with fewer faults a run may have none by chance. */
const VETOES_FROM = 100;

/** Why a run is no good, in words for people; none where it is. One in which nothing happened keeps every invariant. */
export function failuresOf(run: Judged): string[] {
  const { verdicts, counts, injected, asked, allowFewer } = run;
  const broken = verdicts.filter(({ wrong }) => wrong.length > 0);
  const failures = broken.map(({ invariant }) => `broken: ${invariant}`);
  if (asked === 0) return failures;
  if (injected.length < asked && !allowFewer)
    failures.push(`${injected.length} of ${asked} faults were carried out`);
  const aimed = injected.filter(({ planned }) => AIMED.includes(planned.fault.kind));
  const late = aimed.filter(({ missed }) => missed).length;
  if (aimed.length >= AIMED_MIN && late * 2 > aimed.length)
    failures.push(`${late} of ${aimed.length} faults that wait for a point came too late`);
  if (counts.settled === 0) failures.push('no payment settled');
  if (counts.vetoes === 0 && asked >= VETOES_FROM) failures.push('nothing was vetoed in time');
  if (counts.recounts === 0) failures.push('no budget was recounted');
  return failures;
}
