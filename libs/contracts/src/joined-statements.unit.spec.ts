import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOINED_MAX, joinStatements, joinedText } from './joined-statements.ts';

const some = fc.array(fc.string(), { minLength: 2, maxLength: JOINED_MAX });

describe('joined statements', () => {
  it('each lead to the text that is signed for all of them, by four digests at most', () => {
    const check = (texts: string[]) => {
      const { text, paths } = joinStatements(texts);
      expect(texts.map((it, index) => joinedText(it, paths[index] ?? []))).toEqual(
        texts.map(() => text),
      );
      expect(Math.max(...paths.map((path) => path.length))).toBeLessThanOrEqual(4);
      expect(Math.min(...paths.map((path) => path.length))).toBeGreaterThanOrEqual(1);
    };
    fc.assert(fc.property(some, check));
  });

  it('do not let in a text that is not among them, along any path', () => {
    const check = (texts: string[], stranger: string) => {
      fc.pre(!texts.includes(stranger));
      const { text, paths } = joinStatements(texts);
      for (const path of paths) expect(joinedText(stranger, path)).not.toBe(text);
    };
    fc.assert(fc.property(some, fc.string(), check));
  });

  it('do not let in what stands inside the tree', () => {
    const { text, paths } = joinStatements(['a', 'b', 'c', 'd']);
    const [of, next] = paths[0] ?? [];
    const pair = `countersign/pair/1\n${[of, next].toSorted().join('')}`;
    expect(joinedText(pair, (paths[0] ?? []).slice(1))).not.toBe(text);
    expect(joinedText(text, [])).not.toBe(text);
  });

  it('keep their form for ever', () => {
    const { text, paths } = joinStatements(['one', 'two', 'three']);
    // Worked out with sha256sum.
    expect(text).toBe(
      'countersign/statements/1\n1538136316f6bcc3aaaf5133d389f428384fbed4849a00304a41bbd227508cd8',
    );
    const [one, two, three, pair] = [
      '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
      '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3',
      '8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f',
      'e4699e66efca5fbf78e4f4c3977a3abd43011a31ce67d28cecab7d36376d9248',
    ];
    expect(paths).toEqual([[two, three], [one, three], [pair]]);
  });
});
