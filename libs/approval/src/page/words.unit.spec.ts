import { describe, expect, it } from 'vitest';
import {
  arrivals,
  doneText,
  dueText,
  emptyText,
  failureText,
  goneText,
  isCredential,
  leftText,
  noteText,
  planDone,
  planFacts,
  planGone,
  planQuestion,
  planTitle,
  questionText,
  stateText,
  stillToGrant,
  visibleText,
} from './words.js';

const quorum = { kind: 'quorum', quorum: 2, approvers: ['ada', 'bo', 'cy'] };
const window = { kind: 'veto_window' };
const paid = { amount: '89.00 USDC', quote: { payTo: '0xabc' } };

describe('the question before a decision', () => {
  it('names the amount and the payee, whatever is asked', () => {
    expect(questionText('grant', paid)).toBe('Grant 89.00 USDC to 0xabc?');
    expect(questionText('veto', paid)).toBe('Stop this payment of 89.00 USDC to 0xabc?');
  });
});

describe('what came of a decision', () => {
  it('is said with the amount and the payee', () => {
    expect(doneText('grant', paid)).toBe('Granted 89.00 USDC to 0xabc.');
    expect(doneText('veto', paid)).toBe('Vetoed 89.00 USDC to 0xabc.');
  });

  it('says how many are still to grant', () => {
    const granted = (...grantedBy: string[]) => ({
      ...paid,
      approval: { requirement: quorum, grantedBy },
    });
    const after = (...grantedBy: string[]) => doneText('grant', granted(...grantedBy));
    expect(stillToGrant(granted('ada'))).toBe(1);
    expect(stillToGrant(paid)).toBe(0);
    expect(after('ada')).toBe('Granted 89.00 USDC to 0xabc. It waits for 1 more.');
    expect(after('ada', 'bo')).toBe('Granted 89.00 USDC to 0xabc.');
  });

  it('is the sentence of the server where it refused', () => {
    const refused = { message: 'The time is over', code: 'too_late' };
    expect(failureText(refused)).toBe('The time is over');
  });

  it.each([
    [new TypeError('Failed to fetch'), /^No connection; it is not known/],
    [new DOMException('signal timed out', 'TimeoutError'), /^No answer; it is not known/],
    [new SyntaxError('Unexpected token <'), /^No answer; it is not known/],
  ])('is not known after %s', (error, text) => {
    expect(failureText(error)).toMatch(text);
  });
});

describe('what the time that is left leads to', () => {
  const due = (requirement: object, openedAtMs: number | null, ...grantedBy: string[]) =>
    dueText({ requirement, openedAtMs, grantedBy });

  it('is the payment only once people have been told', () => {
    expect(due(window, 1)).toBe('Will be paid unless vetoed, in');
    expect(due(window, null)).toMatch(/^Nobody has been told yet.*\. Expires in$/);
  });

  it('is the end of a payment that needs grants', () => {
    expect(due(quorum, null)).toBe('0 of 2 granted. Expires in');
    expect(due(quorum, 1, 'ada')).toBe('1 of 2 granted (ada). Expires in');
  });

  it.each([
    [0, '0 s'],
    [119_001, '2 min'],
    [61_000, '61 s'],
    [3_600_000, '60 min'],
  ])('%i ms: %s', (ms, text) => {
    expect(leftText(ms)).toBe(text);
  });
});

describe('what stands where there is nothing to grant', () => {
  const note = (approvers: string[], known: { hasGranted?: boolean; leftMs?: number } = {}) =>
    noteText(
      { requirement: { ...quorum, approvers } },
      { hasGranted: false, leftMs: 1_000, ...known },
    );

  it('says who can', () => {
    expect(note(['ada'])).toBe('Only ada can grant this');
    expect(note(['ada', 'bo'])).toBe('Only ada and bo can grant this');
    expect(note(['ada', 'bo', 'cy'])).toBe('Only ada, bo and cy can grant this');
  });

  it('says that one has granted, or that it is too late', () => {
    expect(note(['ada'], { hasGranted: true })).toBe('You granted');
    expect(note(['ada'], { leftMs: 0 })).toBe('Too late to grant');
  });
});

describe('the list', () => {
  /** Shows them one after another, as the page does. */
  const shownAs = (shown: string[], ids: string[]) => {
    const list = [...shown];
    for (const { id, before } of arrivals(ids, (it) => shown.includes(it)))
      list.splice(before === null ? list.length : list.indexOf(before), 0, id);
    return list;
  };

  it.each([
    [[], ['a', 'b', 'c']],
    [['b'], ['a', 'b', 'c']],
    [
      ['a', 'c'],
      ['a', 'b', 'c'],
    ],
    [['c'], ['a', 'b', 'c']],
    [
      ['a', 'b'],
      ['a', 'b', 'c', 'd'],
    ],
  ])('of %j takes in what arrives where it belongs', (shown, ids) => {
    expect(shownAs(shown, ids)).toEqual(ids);
  });

  it('moves nothing that is shown already', () => {
    expect(shownAs(['a', 'b'], ['b', 'new', 'a'])).toEqual(['new', 'a', 'b']);
    expect(arrivals(['b', 'a'], () => true)).toEqual([]);
  });

  it('says how many wait, and what left it by itself', () => {
    const said = [
      [0, 0],
      [1, 0],
      [2, 1],
      [0, 2],
    ].map(([payments = 0, plans = 0]) => stateText({ payments, plans }, false));
    expect(said).toEqual([
      'Up to date.',
      '1 payment waits.',
      '2 payments wait, 1 plan waits.',
      '2 plans wait.',
    ]);
    expect(goneText([paid])).toBe('89.00 USDC to 0xabc no longer waits.');
    expect(goneText([paid, paid])).toBe('2 payments no longer wait.');
  });

  it('says why it is empty when nothing is let through', () => {
    const agents = (...frozen: boolean[]) =>
      frozen.map((is, index) => ({ agent: `a${index}`, frozen: is }));
    expect(emptyText(agents(true, true))).toMatchObject({ isFrozen: true });
    expect(stateText({ payments: 0, plans: 0 }, true)).toBe('Everything is frozen.');
    expect(emptyText(agents(false, true))).toMatchObject({ isFrozen: false, note: 'Frozen: a1.' });
    expect(emptyText(agents(false)).title).toBe('Nothing waits for you');
    expect(emptyText([])).toEqual(emptyText(agents(false)));
  });
});

describe('a plan', () => {
  const task = {
    ...{ agent: 'research-1', task: 'report', unit: 'USD', ceiling: '12500000', estimate: null },
    plan: { digest: 'ab'.repeat(32), estimate: '1' },
  };

  it('is told with its agent and task, whatever is said of it', () => {
    const texts = [planTitle, planQuestion, planDone, planGone].map((text) => text(task));
    for (const text of texts) expect(text).toMatch(/research-1.*task report/);
  });

  it('stands beside what the task may cost, and what it costs by the agent', () => {
    expect(planFacts(task)).toEqual([
      { name: 'Ceiling', value: '12.50 USD' },
      { name: 'Estimate', value: 'none' },
      { name: 'The agent estimates', value: '0.000001 USD' },
      { name: 'Plan', value: 'ab'.repeat(32) },
    ]);
  });

  it('is shown whole, and nothing in it is unseen', () => {
    const long = `1. read\n2.\twrite ${'x'.repeat(20_000)}`;
    expect(visibleText(long)).toBe(long);
    expect(visibleText('pay\u202e\u200b\r\u2800<b>')).toBe(
      'pay<U+202E><U+200B><U+000D><U+2800><b>',
    );
  });
});

describe('a credential', () => {
  it.each(['csk_person_“abc”', 'csk person', 'csk_person_é', ''])('is never %j', (text) => {
    expect(isCredential(text)).toBe(false);
  });

  it('has nothing but characters a header can carry', () => {
    expect(isCredential('csk_person_aB-9_')).toBe(true);
  });
});
