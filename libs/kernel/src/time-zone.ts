const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A part of the calendar of some place. Weeks begin on Monday. */
export type CalendarUnit = 'day' | 'week' | 'month';

/** From `fromMs` up to, not including, `toMs`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whether the runtime's time zone database knows the name, such as `Europe/Berlin` or `UTC`. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * How far the zone's clocks are ahead of UTC at an instant, in minutes.
 *
 * @throws RangeError for a zone the runtime does not know.
 */
export function utcOffsetMinutes(timeZone: string, atMs: number): number {
  const minute = Math.floor(atMs / MINUTE_MS);
  const last = LAST.get(timeZone);
  if (last?.minute === minute) return last.offset;
  const fields: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(minute * MINUTE_MS))
    fields[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute: minutes = 0 } = fields;
  const local = Date.UTC(year, month - 1, day, hour, minutes);
  const offset = local / MINUTE_MS - minute;
  LAST.set(timeZone, { minute, offset });
  return offset;
}

/**
 * The day, week or month in which an instant lies for the clocks of a zone: from the first instant at which they show
 * its first midnight, or anything later, to that of the next. So a day has 23 or 25 hours where clocks change, begins
 * where they jump to when its midnight does not exist, and does not begin twice when they go back over it.
 */
export function calendarSpan(unit: CalendarUnit, timeZone: string, atMs: number): Span {
  const local = new Date(atMs + utcOffsetMinutes(timeZone, atMs) * MINUTE_MS);
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  const begin = (periods: number): number => {
    if (unit === 'month') return firstInstantOf(timeZone, Date.UTC(year, month + periods, 1));
    if (unit === 'day') return firstInstantOf(timeZone, Date.UTC(year, month, day + periods));
    const monday = day - ((local.getUTCDay() + 6) % 7);
    return firstInstantOf(timeZone, Date.UTC(year, month, monday + 7 * periods));
  };
  const toMs = begin(1);
  // Clocks that went back over midnight show the old date once more.
  return atMs < toMs ? { fromMs: begin(0), toMs } : { fromMs: toMs, toMs: begin(2) };
}

/** The first instant at which the zone's clocks show a midnight, given as if it were UTC, or anything later. */
function firstInstantOf(timeZone: string, midnightMs: number): number {
  const before = utcOffsetMinutes(timeZone, midnightMs - DAY_MS);
  const after = utcOffsetMinutes(timeZone, midnightMs + DAY_MS);
  let early = midnightMs - Math.max(before, after) * MINUTE_MS;
  if (before === after) return early;
  let late = midnightMs - Math.min(before, after) * MINUTE_MS;
  const isBefore = (ms: number) => ms + utcOffsetMinutes(timeZone, ms) * MINUTE_MS < midnightMs;
  if (!isBefore(early)) return early;
  while (late - early > MINUTE_MS) {
    const middle = Math.floor((early + late) / 2 / MINUTE_MS) * MINUTE_MS;
    if (isBefore(middle)) early = middle;
    else late = middle;
  }
  return late;
}

/** The last answer per zone: consecutive questions are about the same minute. */
const LAST = new Map<string, { readonly minute: number; readonly offset: number }>();
const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = FORMATS.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    FORMATS.set(timeZone, format);
  }
  return format;
}
