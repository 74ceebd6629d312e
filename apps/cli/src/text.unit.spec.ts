import { describe, expect, it } from 'vitest';
import { facts, money, quoted, span, table, visible, visibleLines } from './text.ts';

const plain = { paint: (_: string, text: string) => text };

describe('what somebody else wrote', () => {
  it('shows every character that would not', () => {
    expect(visible('a\u001b[2Jb')).toBe('a\\u{1b}[2Jb');
    expect(visible('pay \u202e0001\u202c')).toBe('pay \\u{202e}0001\\u{202c}');
    expect(visible('zero\u200bwidth\u2066\ufeff')).toBe('zero\\u{200b}width\\u{2066}\\u{feff}');
    expect(visible('one\ntwo\r\u2028three\u0085')).toBe('one\\u{a}two\\u{d}\\u{2028}three\\u{85}');
    expect(visible('\u{e0041}\ud800')).toBe('\\u{e0041}\\u{d800}');
    expect(visible('Größe 漢字 🙂')).toBe('Größe 漢字 🙂');
  });

  it('cannot close its quotation marks, and is capped', () => {
    expect(quoted('fine” said "root')).toBe("“fine' said 'root”");
    expect(quoted('x'.repeat(600))).toBe(`“${'x'.repeat(500)}…”`);
  });

  it('keeps its lines where lines are wanted', () => {
    expect(visibleLines('a:\r\n\tb\u001b')).toBe('a:\n\tb\\u{1b}');
  });
});

describe('an amount', () => {
  const usdc = { network: 'eip155:84532', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' };

  it('has the decimals and the symbol of our own table', () => {
    expect(money({ ...usdc, amount: '20000' })).toBe('0.02 USDC');
    expect(money({ ...usdc, amount: '123456789' })).toBe('123.456789 USDC');
  });

  it('is not guessed for a token we do not know', () => {
    const asset = `0x${'9'.repeat(40)}`;
    expect(money({ ...usdc, asset, amount: '5' })).toBe(
      `5 atomic units of the unknown token ${asset}`,
    );
  });
});

it('says spans in two units', () => {
  expect([0, 999, 61_000, 3_600_000, 90_061_000, -5].map(span)).toEqual([
    '0 s',
    '1 s',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
    '0 s',
  ]);
});

describe('a table', () => {
  const columns = [
    { title: 'NAME', of: (row: { name: string; count: number }) => row.name },
    { title: 'COUNT', of: (row: { count: number }) => String(row.count), right: true },
    { title: 'LAST', of: () => 'x' },
  ];

  it('is aligned, and its cells cannot break it', () => {
    const rows = [
      { name: 'a', count: 1 },
      { name: 'long\nname', count: 1000 },
    ];
    expect(table(plain, rows, { columns, none: '' }).split('\n')).toEqual([
      'NAME           COUNT  LAST',
      'a                  1  x',
      'long\\u{a}name   1000  x',
    ]);
  });

  it('says so when it is empty', () => {
    expect(table(plain, [], { columns, none: 'Nothing.' })).toBe('Nothing.');
  });
});

it('puts lines of a value under its first', () => {
  expect(
    facts(plain, [
      ['a', 'one\ntwo'],
      ['left out', undefined],
      ['name', 'x'],
    ]),
  ).toBe('a     one\n      two\nname  x');
});
