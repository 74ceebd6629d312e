import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CalendarUnit, calendarSpan, isTimeZone, utcOffsetMinutes } from './time-zone.ts';

const HOUR_MS = 3_600_000;

describe('the offset of a zone', () => {
  it.each([
    ['UTC', '2027-01-01T00:00:00Z', 0],
    ['Europe/Berlin', '2027-03-28T00:59:59Z', 60],
    ['Europe/Berlin', '2027-03-28T01:00:00Z', 120],
    ['Asia/Kathmandu', '2027-01-01T00:00:00Z', 345],
    ['America/St_Johns', '2027-01-01T00:00:00Z', -210],
    ['Pacific/Kiritimati', '2027-01-01T00:00:00Z', 840],
  ])('of %s at %s is %d minutes', (timeZone, at, expected) => {
    expect(utcOffsetMinutes(timeZone, Date.parse(at))).toBe(expected);
  });

  it('is asked only of zones that exist', () => {
    expect([isTimeZone('Europe/Berlin'), isTimeZone('Europe/Atlantis')]).toEqual([true, false]);
    expect(() => utcOffsetMinutes('Europe/Atlantis', 0)).toThrow(RangeError);
  });
});

describe('a span of the calendar', () => {
  it.each([
    {
      that: 'has 24 hours',
      in: ['day', 'UTC', '2027-05-05T12:00Z'],
      spans: ['2027-05-05T00:00Z', '2027-05-06T00:00Z'],
    },
    {
      that: 'has 23 hours where clocks go forward',
      in: ['day', 'Europe/Berlin', '2027-03-28T12:00Z'],
      spans: ['2027-03-27T23:00Z', '2027-03-28T22:00Z'],
    },
    {
      that: 'has 25 hours where they go back',
      in: ['day', 'Europe/Berlin', '2027-10-31T00:30Z'],
      spans: ['2027-10-30T22:00Z', '2027-10-31T23:00Z'],
    },
    {
      that: 'begins where clocks jump to when its midnight does not exist',
      in: ['day', 'Africa/Cairo', '2027-04-30T12:00Z'],
      spans: ['2027-04-29T22:00Z', '2027-04-30T21:00Z'],
    },
    {
      that: 'does not begin twice when clocks go back over midnight',
      in: ['day', 'America/St_Johns', '2010-11-07T03:00Z'],
      spans: ['2010-11-07T02:30Z', '2010-11-08T03:30Z'],
    },
    {
      that: 'passes over a date that a place never had',
      in: ['day', 'Pacific/Apia', '2011-12-30T12:00Z'],
      spans: ['2011-12-30T10:00Z', '2011-12-31T10:00Z'],
    },
    {
      that: 'begins on Monday',
      in: ['week', 'Europe/Berlin', '2027-03-28T12:00Z'],
      spans: ['2027-03-21T23:00Z', '2027-03-28T22:00Z'],
    },
    {
      that: 'ends with the year',
      in: ['month', 'Asia/Tokyo', '2026-12-31T14:59Z'],
      spans: ['2026-11-30T15:00Z', '2026-12-31T15:00Z'],
    },
  ] as const)('$that', ({ in: [unit, timeZone, at], spans: [from, to] }) => {
    expect(calendarSpan(unit, timeZone, Date.parse(at))).toEqual({
      fromMs: Date.parse(from),
      toMs: Date.parse(to),
    });
  });

  /** What the clocks of the zone show, by the runtime itself. */
  const formats = new Map<string, Intl.DateTimeFormat>();
  const dateOf = (timeZone: string, atMs: number) => {
    const known = formats.get(timeZone);
    const format = known ?? new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
    formats.set(timeZone, format);
    return format.format(atMs);
  };

  it('holds its instant, meets its neighbours, and begins with a new date', () => {
    const zones = fc.constantFrom(
      'Europe/London',
      'America/New_York',
      'America/St_Johns',
      'America/Santiago',
      'America/Havana',
      'Asia/Beirut',
      'Asia/Gaza',
      'Africa/Casablanca',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'Antarctica/Troll',
    );
    const instants = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2040, 0) });
    const units = fc.constantFrom<CalendarUnit>('day', 'week', 'month');
    fc.assert(
      fc.property(units, zones, instants, (unit, timeZone, atMs) => {
        const { fromMs, toMs } = calendarSpan(unit, timeZone, atMs);
        expect(fromMs <= atMs && atMs < toMs).toBe(true);
        expect(calendarSpan(unit, timeZone, fromMs)).toEqual({ fromMs, toMs });
        expect(calendarSpan(unit, timeZone, toMs - 1)).toEqual({ fromMs, toMs });
        expect(calendarSpan(unit, timeZone, toMs).fromMs).toBe(toMs);
        expect(dateOf(timeZone, fromMs) > dateOf(timeZone, fromMs - 1)).toBe(true);
        if (unit === 'day') expect(toMs - fromMs).toBeLessThanOrEqual(26 * HOUR_MS);
      }),
      { numRuns: 2_000 },
    );
  });
});
