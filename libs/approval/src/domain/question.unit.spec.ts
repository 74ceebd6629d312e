import { visible } from '@countersign/kernel';
import type { Facts, PaymentView } from '@countersign/contracts';
import { LaneBench, OWNER, PAYEE, SELLER, SIGNATURE, USDC, WALLET } from '@countersign/testkit';
import { describe, expect, it } from 'vitest';
import { shownFacts } from './question.ts';

const VIEW: Pick<PaymentView, 'amount'> = { amount: '0.02 USDC' };
/** A registered payee whose ends agree with those of {@link PAYEE}. */
const ALIKE = `${PAYEE.slice(0, 10)}${'0'.repeat(24)}${PAYEE.slice(-8)}`;

/** The facts of a payment to `payTo` with the test's seller registered. */
function factsTo(payTo: string, url = 'https://api.example.com/v1/embed'): Facts {
  const bench = new LaneBench();
  const { tenant } = OWNER;
  const registered = { tenant, seller: SELLER, by: 'owner', signature: SIGNATURE };
  bench.change('seller.registered', registered);
  bench.mark(1);
  const { payment } = bench.submit(2, { quote: { payTo }, url });
  return bench.decision(payment!, { kind: 'none' }, 'authorize').facts;
}

function shown(facts: Facts): Record<string, string> {
  const all = shownFacts(VIEW as PaymentView, facts);
  return Object.fromEntries(all.map(({ name, value }) => [name, value]));
}

describe('what a person is shown', () => {
  it('has every address in full', () => {
    expect(shown(factsTo(PAYEE))).toMatchObject({
      Amount: '0.02 USDC',
      Payee: PAYEE,
      'From wallet': `w1 (${WALLET})`,
      Token: `USDC (${USDC})`,
      Network: 'eip155:84532',
    });
  });

  it('tells the registered seller of a registered payee', () => {
    expect(shown(factsTo(PAYEE))).toMatchObject({
      Seller: 'embeddings',
      'Payee is': 'the address this seller registered',
      Trust: 'known',
      Category: 'embedding',
      Jurisdiction: 'DE',
      For: 'GET https://api.example.com/v1/embed',
      Agent: OWNER.agent,
      Task: 'none',
    });
  });

  it('tells how the task stands, and what it may cost', () => {
    const facts = factsTo(PAYEE);
    const terms = { phase: 'planned', planCommitted: true, unit: 'USD', reported: '0' } as const;
    const within = (more: object) =>
      shown({
        ...facts,
        established: { ...facts.established, task: 'report', taskTerms: { ...terms, ...more } },
      })['Task'];
    expect(within({})).toBe('report, planned with a committed plan');
    expect(within({ ceiling: '5000000', reported: '250000', planCommitted: false })).toBe(
      'report, planned without a committed plan; at most 5.00 USD; 0.25 USD of other costs',
    );
  });

  it('begins with amount and payee', () => {
    const names = shownFacts(VIEW as PaymentView, factsTo(PAYEE)).map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(['Amount', 'Payee', 'Seller', 'Payee is']);
    expect(new Set(names).size).toBe(names.length);
  });

  it('gives alarm at a payee the seller of the domain did not register', () => {
    const to = `0x${'77'.repeat(20)}`;
    expect(shown(factsTo(to))).toMatchObject({
      Payee: to,
      'Payee is': 'NOT the address this seller registered',
      Seller: 'unknown: nobody registered it',
    });
  });

  it('gives alarm at a look-alike of a registered payee', () => {
    expect(ALIKE).toHaveLength(PAYEE.length);
    expect(shown(factsTo(ALIKE))).toMatchObject({
      Payee: ALIKE,
      'Payee is': 'A LOOK-ALIKE of a registered address',
    });
  });

  it('calls a payee nobody registered so', () => {
    const facts = factsTo(`0x${'77'.repeat(20)}`, 'https://elsewhere.example/');
    expect(shown(facts)['Payee is']).toBe('not registered');
  });

  it('tells a registered price in the token’s own decimals', () => {
    const facts = factsTo(PAYEE);
    const priced = { ...facts.established, expectedAmount: '1500000' };
    expect(shown({ ...facts, established: priced })['Expected price']).toMatch(/^1\.50* USDC$/);
    expect(shown(facts)['Expected price']).toBe('none registered');
  });

  it('shows the bare address of a token nobody knows, and no wallet where there is none', () => {
    const facts = factsTo(PAYEE);
    const asset = `0x${'6'.repeat(40)}`;
    const established = { ...facts.established, wallet: null };
    const unknown = { ...facts, quote: { ...facts.quote, asset }, established };
    expect(shown(unknown)).toMatchObject({ Token: asset, 'From wallet': 'none' });
  });
});

describe('text from outside', () => {
  it('stays as it is where every character can be seen', () => {
    expect(visible('Übersetzung für 3 €, 你好 🙂')).toBe('Übersetzung für 3 €, 你好 🙂');
  });

  it.each([
    ['a line break', '\n', '<U+000A>'],
    ['an escape', '\u001b', '<U+001B>'],
    ['a right-to-left override', '\u202e', '<U+202E>'],
    ['an isolate', '\u2066', '<U+2066>'],
    ['a zero-width space', '\u200b', '<U+200B>'],
    ['a zero-width joiner', '\u200d', '<U+200D>'],
    ['a byte order mark', '\ufeff', '<U+FEFF>'],
    ['a line separator', '\u2028', '<U+2028>'],
    ['a tag character', '\u{e0041}', '<U+E0041>'],
  ])('has %s made visible', (_, character, shown) => {
    expect(visible(`a${character}b${character}`)).toBe(`a${shown}b${shown}`);
  });

  it('is cut at its cap, and says so', () => {
    expect(visible('a'.repeat(500))).toBe('a'.repeat(500));
    expect(visible('a'.repeat(501))).toBe(`${'a'.repeat(500)} … (cut)`);
  });

  it('is cut after characters were made visible, so that they cannot make it long', () => {
    expect(visible('\u200b'.repeat(500))).toHaveLength(500 + ' … (cut)'.length);
  });
});
