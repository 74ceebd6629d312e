import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { filesLike, textOf } from './tree.ts';

type Imports = ReadonlyMap<string, readonly string[]>;

/** What each file takes from files beside it, types too. */
function importsOf(texts: ReadonlyMap<string, string>): Imports {
  return new Map(
    [...texts].map(([file, text]) => [
      file,
      ts
        .preProcessFile(text)
        .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
        .map(({ fileName }) => join(dirname(file), fileName)),
    ]),
  );
}

/** The first way found that leads from a file back to itself. */
function circleIn(imports: Imports): readonly string[] | undefined {
  const done = new Set<string>();
  const from = (file: string, way: readonly string[]): readonly string[] | undefined => {
    const before = way.indexOf(file);
    if (before >= 0) return [...way.slice(before), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const next of imports.get(file) ?? []) {
      const circle = from(next, [...way, file]);
      if (circle) return circle;
    }
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = from(file, []);
    if (circle) return circle;
  }
  return undefined;
}

describe('files that import each other', () => {
  it('form no circle, not even of types', () => {
    const files = filesLike(/^(libs|apps|deploy)\/.*\.ts$/);
    const imports = importsOf(new Map(files.map((file) => [file.path, textOf(file)])));
    expect([...imports.values()].flat().length).toBeGreaterThan(1_000);
    expect(circleIn(imports)).toBeUndefined();
  });

  it('are found', () => {
    const circle = new Map([
      ['a/one.ts', "import { two } from './two.ts';"],
      ['a/two.ts', "export { three } from '../b/three.ts';"],
      ['b/three.ts', "import type { One } from '../a/one.ts';"],
    ]);
    expect(circleIn(importsOf(circle))).toEqual(['a/one.ts', 'a/two.ts', 'b/three.ts', 'a/one.ts']);
  });
});
