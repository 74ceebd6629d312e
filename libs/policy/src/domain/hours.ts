import { type Hours, Weekday } from '@countersign/contracts';
import type { Condition, Use } from './finding.ts';
import type { Subject } from './subject.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** 1 January 1970 was a Thursday. */
const FIRST_WEEKDAY = Weekday.options.indexOf('thu');

/** A moment as the clocks of some place show it. */
interface LocalTime {
  /** From Monday, 0. */
  readonly weekday: number;
  readonly minute: number;
}

/**
 * Whether the record that brought the quote stands within any of the hours. Its time is the log's own. How far clocks were
 * ahead is an established fact, because a time zone database of another day could say otherwise; where it is missing
 * the answer is no: a tier is not met, a prohibition is.
 */
export function withinHours(hours: readonly Hours[], use: Use): Condition {
  const spans = hours.map(compileHours);
  const text = spans.length === 1 ? (spans[0]?.text ?? '') : `within any of ${spans.length} hours`;
  const zones = [...new Set(hours.map(({ timeZone }) => timeZone))];
  const localOf = ({ facts }: Subject, timeZone: string) =>
    localTime(facts.atMs, facts.established.utcOffsets?.[timeZone]);
  return {
    test: (subject) => {
      for (const { timeZone, covers } of spans) {
        const local = localOf(subject, timeZone);
        if (local ? covers(local) : use === 'restrict') return 'met';
      }
      return 'unmet';
    },
    why: (subject, finding) => {
      const times = zones.map((zone) => `${shown(localOf(subject, zone))} in ${zone}`);
      return `it is ${times.slice(0, 3).join(', ')}, which is ${finding === 'met' ? '' : 'not '}${text}`;
    },
  };
}

function compileHours({ timeZone, days, from, to }: Hours) {
  const begins = new Set((days ?? Weekday.options).map((day) => Weekday.options.indexOf(day)));
  const [start, end] = [minuteOf(from), minuteOf(to)];
  const overMidnight = end <= start;
  return {
    timeZone,
    covers: ({ weekday, minute }: LocalTime): boolean => {
      if (begins.has(weekday) && minute >= start && (overMidnight || minute < end)) return true;
      return overMidnight && minute < end && begins.has((weekday + 6) % 7);
    },
    text: `${days ? `${days.join(', ')}, ` : ''}from ${from} to ${to}`,
  };
}

/** Minutes since midnight of a time of day such as `09:30`. */
export function minuteOf(time: string): number {
  const [hour = '', minute = ''] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}

function localTime(atMs: number, offsetMinutes: number | undefined): LocalTime | undefined {
  if (offsetMinutes === undefined) return undefined;
  const minutes = Math.floor(atMs / MINUTE_MS) + offsetMinutes;
  const day = Math.floor(minutes / DAY_MINUTES);
  return {
    weekday: (((day + FIRST_WEEKDAY) % 7) + 7) % 7,
    minute: minutes - day * DAY_MINUTES,
  };
}

function shown(local: LocalTime | undefined): string {
  if (!local) return 'some time';
  const [hour, minute] = [Math.floor(local.minute / 60), local.minute % 60];
  const clock = [hour, minute].map((it) => String(it).padStart(2, '0')).join(':');
  return `${Weekday.options[local.weekday] ?? ''} ${clock}`;
}
