import { describe, expect, it } from 'vitest';
import { generated } from '../../deploy/generate.ts';
import { filesLike, textOf } from './tree.ts';

const files = generated();

describe('what is made from sources', () => {
  it.each([...files.keys()])('%s is what its source says; else run deploy/generate.ts', (path) => {
    expect(textOf({ path, bytes: 0 })).toBe(files.get(path));
  });

  it('is all there is', () => {
    const kept = filesLike(/^deploy\/observability\/dashboards\/.*\.json$/).map(({ path }) => path);
    expect(kept.filter((path) => !files.has(path))).toEqual([]);
  });
});
