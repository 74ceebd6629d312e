import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { type Package, filesLike, packages, textOf } from './tree.ts';

const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

const all = packages();
const members = all.filter(({ folder }) => folder !== '');

function dependenciesOf({ manifest }: Package): readonly (readonly [string, string])[] {
  const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;
  return [dependencies, devDependencies, optionalDependencies, overrides].flatMap((list) =>
    Object.entries(list ?? {}),
  );
}

/** The innermost package that a file belongs to. */
function ownerOf(path: string): string {
  const owners = all.map(({ folder }) => folder).filter((folder) => isInside(path, folder));
  return owners.reduce((inner, folder) => (folder.length > inner.length ? folder : inner), '');
}

function isInside(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`);
}

/** Specs of the stack start real servers, which belong to no package. */
const STACK_SPEC = /\.stack\.spec\.ts$/;
const SERVERS = 'deploy/local/';

describe('packages', () => {
  it('pin each dependency to one version', () => {
    const loose = all.flatMap((each) =>
      dependenciesOf(each)
        .filter(([, version]) => !EXACT.test(version))
        .map(([name, version]) => `${each.manifest.name}: ${name}@${version}`),
    );
    expect(loose).toEqual([]);
  });

  it('agree on the version of each dependency', () => {
    const versions = new Map<string, Set<string>>();
    for (const [name, version] of all.flatMap(dependenciesOf)) {
      versions.set(name, (versions.get(name) ?? new Set()).add(version));
    }
    const several = [...versions].filter(([, found]) => found.size > 1);
    expect(several.map(([name, found]) => `${name}: ${[...found].join(', ')}`)).toEqual([]);
  });

  it('say what they are, and where they stand in the import law', () => {
    const known =
      /^(?:type:(?:kernel|contracts|ports|domain|context|service-kit|hosting|adapter|app|sdk|testkit)|scope:[a-z-]+)$/;
    const unclear = members.filter(({ manifest: { description, nx } }) => {
      const tags = nx?.tags ?? [];
      const types = tags.filter((tag) => tag.startsWith('type:'));
      const needsScope =
        tags.includes('type:context') && !tags.some((tag) => tag.startsWith('scope:'));
      return (
        !description || types.length !== 1 || needsScope || !tags.every((tag) => known.test(tag))
      );
    });
    expect(unclear).toEqual([]);
  });

  it('never reach into each other by path', () => {
    const leaving = filesLike(/^(?:libs|apps)\/.*\.ts$/).flatMap((file) =>
      ts
        .preProcessFile(textOf(file), true, true)
        .importedFiles.map(({ fileName }) => fileName)
        .filter((name) => name.startsWith('.'))
        .filter((name) => {
          const target = posix.join(posix.dirname(file.path), name);
          if (STACK_SPEC.test(file.path) && target.startsWith(SERVERS)) return false;
          return ownerOf(target) !== ownerOf(file.path);
        })
        .map((name) => `${file.path}: ${name}`),
    );
    expect(leaving).toEqual([]);
  });
});

describe('adapters', () => {
  const adapters = members.filter(({ manifest }) => manifest.nx?.tags?.includes('type:adapter'));

  it.each(adapters.map(({ folder }) => folder))('%s runs the suite of its port', (folder) => {
    const specs = filesLike(/\.spec\.ts$/).filter(({ path }) => isInside(path, folder));
    expect(specs.some((spec) => textOf(spec).includes("'@countersign/ports/suites'"))).toBe(true);
  });
});
