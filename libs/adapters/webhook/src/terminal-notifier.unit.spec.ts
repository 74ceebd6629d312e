import { Fault, visible } from '@countersign/kernel';
import type { Notification, Notifier } from '@countersign/ports';
import { describeNotifier } from '@countersign/ports/suites';
import { describe, expect, it } from 'vitest';
import { firstAccepting } from './first-accepting.ts';
import { terminalNotifier } from './terminal-notifier.ts';

const NOTIFICATION: Notification = {
  id: '1',
  kind: 'veto_window',
  tenant: 'acme',
  paymentId: 'pay_1',
  title: 'researcher pays 1.00 USDC',
  facts: [{ name: 'Payee', value: '0xabc' }],
  link: 'http://127.0.0.1/approve',
  quoted: 'for the report',
};

const accepting = (): Notifier => ({ notify: async () => undefined });
const refusing = (retryable: boolean, code = 'notification_not_accepted'): Notifier => ({
  notify: async () => {
    throw new Fault(code, 'not today', { retryable });
  },
});

const terminal = (written: string[]) => ({
  isTTY: true,
  write: (text: string) => written.push(text),
});

describeNotifier('terminal', {
  async create() {
    const written: string[] = [];
    return {
      notifier: terminalNotifier(terminal(written)),
      received: () => written,
      dispose: async () => undefined,
    };
  },
  createRefusing: null,
});

describeNotifier('first accepting', {
  async create() {
    const written: string[] = [];
    const watched = terminalNotifier(terminal(written));
    return {
      notifier: firstAccepting([refusing(true), watched, refusing(false)]),
      received: () => written,
      dispose: async () => undefined,
    };
  },
  createRefusing: async (retryable) => ({
    notifier: firstAccepting([refusing(false), refusing(retryable)]),
    received: () => [],
    dispose: async () => undefined,
  }),
});

describe('a terminal', () => {
  it('shows one block of lines, the words of the agent last', async () => {
    const written: string[] = [];
    await terminalNotifier(terminal(written)).notify(NOTIFICATION);
    expect(written).toEqual([
      [
        '',
        '▲ researcher pays 1.00 USDC',
        '  Payee: 0xabc',
        '  http://127.0.0.1/approve',
        '  the agent says: “for the report”',
        '',
      ].join('\n'),
    ]);
  });

  it('lets no word of the agent begin a line', async () => {
    const written: string[] = [];
    const quoted = 'x”\n▲ researcher pays 0.01 USDC\r\n  Payee: 0xdef';
    await terminalNotifier(terminal(written)).notify({ ...NOTIFICATION, quoted });
    expect(written.join('').match(/^▲/gm)).toHaveLength(1);
    expect(written.join('').match(/^ {2}Payee/gm)).toHaveLength(1);
  });
});

describe('an output that is no terminal', () => {
  it('opens no veto window, though it is written there, once', async () => {
    const written: string[] = [];
    const notifier = terminalNotifier({ write: (text) => written.push(text) });
    for (let time = 0; time < 3; time += 1)
      await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject({
        name: 'Fault',
        code: 'notification_not_accepted',
        retryable: true,
      });
    expect(written).toEqual([expect.stringContaining('researcher pays 1.00 USDC')]);
  });

  it.each(['approval_wanted', 'alert'] as const)(
    'takes the kind %s, on which nothing is paid by itself',
    async (kind) => {
      const written: string[] = [];
      const notifier = terminalNotifier({ write: (text) => written.push(text) });
      await notifier.notify({ ...NOTIFICATION, kind });
      expect(written).toHaveLength(1);
    },
  );
});

describe('the first who accepts', () => {
  it('is enough, and does not wait for the others', async () => {
    const silent: Notifier = { notify: () => new Promise(() => undefined) };
    await firstAccepting([silent, accepting()]).notify(NOTIFICATION);
  });

  it('does not keep the others from being told', async () => {
    const told: string[] = [];
    const telling = (name: string): Notifier => ({
      notify: async () => {
        told.push(name);
      },
    });
    await firstAccepting([telling('a'), refusing(true), telling('b')]).notify(NOTIFICATION);
    expect(told).toEqual(['a', 'b']);
  });

  it('is nobody when there is nobody', async () => {
    await expect(firstAccepting([]).notify(NOTIFICATION)).rejects.toMatchObject({
      code: 'notification_not_accepted',
      retryable: false,
    });
  });

  it('is nobody when one throws at once', async () => {
    const throwing: Notifier = {
      notify: () => {
        throw new Error('broken pipe');
      },
    };
    await firstAccepting([throwing, accepting()]).notify(NOTIFICATION);
    await expect(firstAccepting([throwing]).notify(NOTIFICATION)).rejects.toThrow('broken pipe');
  });
});

describe('visible text', () => {
  it.each([
    ['plain words, größer — 漢字 🙂', 'plain words, größer — 漢字 🙂'],
    ['pay\u202e001', 'pay<U+202E>001'],
    ['a\u2066b\u2069', 'a<U+2066>b<U+2069>'],
    ['a\tb\nc\r\u001b[2J', 'a<U+0009>b<U+000A>c<U+000D><U+001B>[2J'],
    ['\u200b\u200d\ufeff\u2060\u00ad', '<U+200B><U+200D><U+FEFF><U+2060><U+00AD>'],
    ['\u3164\u115f\uffa0\u2800\u034f', '<U+3164><U+115F><U+FFA0><U+2800><U+034F>'],
    ['\u2028\u2029\u0085\u009b', '<U+2028><U+2029><U+0085><U+009B>'],
    ['\u{e0041}\ud800x\ue000', '<U+E0041><U+D800>x<U+E000>'],
  ])('%j shows what is unseen', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it('is cut where 500 characters are full, and never within one', () => {
    expect(visible('x'.repeat(500))).toBe('x'.repeat(500));
    expect(visible('x'.repeat(501))).toBe(`${'x'.repeat(500)} … (cut)`);
    expect(visible('🙂'.repeat(501))).toBe(`${'🙂'.repeat(500)} … (cut)`);
    expect(visible(`x${'🙂'.repeat(600)}`).isWellFormed()).toBe(true);
  });

  it('is the same when it is made visible again', () => {
    for (const text of [
      'a\u202eb',
      '\u202e'.repeat(400),
      '🙂'.repeat(700),
      `${'x'.repeat(499)}🙂z`,
    ])
      expect(visible(visible(text))).toBe(visible(text));
  });
});
