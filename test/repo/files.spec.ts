import { describe, expect, it } from 'vitest';
import { files, filesLike, linesLike, textOf } from './tree.ts';

const FOLDERS = ['.ci', 'apps', 'deploy', 'docs', 'helm', 'libs', 'test'];
const TOP_FILES = [
  '.dockerignore',
  '.editorconfig',
  '.gitattributes',
  '.gitignore',
  '.npmrc',
  '.prettierignore',
  '.prettierrc.json',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'eslint.config.mjs',
  'knip.json',
  'nx.json',
  'package-lock.json',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'tsconfig.page.json',
  'tsconfig.pure.json',
  'vitest.config.ts',
  'vitest.stack.config.ts',
];

const BLOB_MAX_BYTES = 100_000;
/** Files that may be larger, each with its reason. */
const LARGE: readonly string[] = [
  'package-lock.json', // npm writes it
];

const README_MAX_LINES = 200;
const ADR_MAX_LINES = 40;

const written = filesLike(
  /^(?!package-lock\.json$).*\.(ts|mjs|js|json|md|ya?ml|sol|html|css)$|^\.ci\//,
);
const code = filesLike(/\.(ts|mjs|js)$/);
const specs = filesLike(/\.spec\.ts$/);

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length;
}

describe('the tree', () => {
  it('has nothing at its top but what belongs there', () => {
    const tops = [...new Set(files().map(({ path }) => path.replace(/\/.*/s, '/')))];
    const allowed = [...FOLDERS.map((folder) => `${folder}/`), ...TOP_FILES];
    expect(tops.filter((top) => !allowed.includes(top))).toEqual([]);
  });

  it('holds no large file', () => {
    const large = files().filter(
      ({ path, bytes }) => bytes > BLOB_MAX_BYTES && !LARGE.includes(path),
    );
    expect(large).toEqual([]);
  });

  it('keeps its documents short', () => {
    const limits = [
      { documents: filesLike(/(^|\/)README\.md$/), max: README_MAX_LINES },
      { documents: filesLike(/^docs\/adr\/.*\.md$/), max: ADR_MAX_LINES },
    ];
    const long = limits.flatMap(({ documents, max }) =>
      documents
        .filter((file) => lineCount(textOf(file)) > max)
        .map(({ path }) => `${path} > ${max}`),
    );
    expect(long).toEqual([]);
  });

  it('numbers its decisions one after another, in the heading too', () => {
    const decisions = filesLike(/^docs\/adr\/.*\.md$/).toSorted((a, b) =>
      a.path < b.path ? -1 : 1,
    );
    const numbers = decisions.map(({ path }) => Number(/\/(\d{4})-[a-z-]+\.md$/.exec(path)?.[1]));
    expect(numbers).toEqual(decisions.map((_, index) => index + 1));
    const headings = decisions.map((file) => Number(/^# (\d+)\. /.exec(textOf(file))?.[1]));
    expect(headings).toEqual(numbers);
  });
});

describe('what is written', () => {
  it('promises nothing for later', () => {
    expect(linesLike(/\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/, written)).toEqual([]);
  });

  it('names no place of one machine', () => {
    expect(linesLike(/(?:^|[\s"'`=(:,])\/(?:work|root|home|Users)\/\w/, written)).toEqual([]);
  });

  it('names no package registry', () => {
    const hosts =
      /\b(?:registry\.[\w-]+\.\w+|npm\.pkg\.\w+|[\w.-]*(?:artifactory|verdaccio|nexus)[\w.-]*\.\w+\/)/;
    const lock = filesLike(/^package-lock\.json$|^\.npmrc$/);
    expect(linesLike(hosts, [...written, ...lock])).toEqual([]);
    expect(linesLike(/"resolved": "(?!(?:libs|apps)\/)/, lock)).toEqual([]);
  });

  it('gives its reason wherever it silences a check', () => {
    const silent = /eslint-disabl[e](?!.*--)|@ts-expect-erro[r]\s*$|@ts-(?:ignor[e]|nochec[k])/;
    expect(linesLike(silent, code)).toEqual([]);
  });
});

describe('specs', () => {
  it('all run', () => {
    const left =
      /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:only|skip|skipIf|todo)\b|\bx(?:it|describe)\(/;
    expect(linesLike(left, code)).toEqual([]);
    // A suite leaves out what an adapter declares that it cannot do; a spec has nothing to leave out.
    expect(linesLike(/\.runIf\(/, specs)).toEqual([]);
  });

  it('are found by their names', () => {
    const named = /(?:\.(?:unit|prop|int|stack)\.spec\.ts$)|^test\/.*\.spec\.ts$/;
    expect(specs.filter(({ path }) => !named.test(path))).toEqual([]);
    expect(filesLike(/\.test\.[mc]?[jt]sx?$/)).toEqual([]);
  });

  it('wait for what happens and not for a while', () => {
    expect(linesLike(/\bsetTimeout\(.*,\s*[\d_]+\s*\)/, specs)).toEqual([]);
  });
});
