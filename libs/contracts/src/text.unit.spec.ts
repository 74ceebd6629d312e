import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { digits } from './text.ts';

describe('a whole number in a query', () => {
  const limit = digits(z.int().min(0).max(200)).default(50);

  it.each([
    ['0', 0],
    ['007', 7],
    ['200', 200],
    [undefined, 50],
  ])('is %s', (text, number) => {
    expect(limit.parse(text)).toBe(number);
  });

  it.each(['', ' ', ' 5', '+5', '-1', '1e1', '0x10', '5.0', '201', '9'.repeat(400), ['5'], true])(
    'is not %s',
    (text) => {
      expect(limit.safeParse(text).success).toBe(false);
    },
  );
});
