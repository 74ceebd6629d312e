import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One file that belongs to the repository, be it committed or about to be. */
export interface TreeFile {
  /** From the top, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
}

let listed: readonly TreeFile[] | undefined;

/** All files of the repository. */
export function files(): readonly TreeFile[] {
  listed ??= paths().map((path) => ({ path, bytes: statSync(join(ROOT, path)).size }));
  return listed;
}

/** The files whose path matches. */
export function filesLike(pattern: RegExp): readonly TreeFile[] {
  return files().filter(({ path }) => pattern.test(path));
}

export function textOf({ path }: TreeFile): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Each line that matches in the given files, as `path:line: text`. */
export function linesLike(pattern: RegExp, among: readonly TreeFile[]): string[] {
  return among.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  );
}

/** One npm package of the workspace, the root included. */
export interface Package {
  /** From the top; empty for the root. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly nx?: { readonly tags?: readonly string[] };
}

export function packages(): readonly Package[] {
  return filesLike(/(^|\/)package\.json$/).map((file) => {
    const folder = dirname(file.path);
    return {
      folder: folder === '.' ? '' : folder,
      manifest: JSON.parse(textOf(file)) as Manifest,
    };
  });
}

function paths(): string[] {
  // git also lists what was deleted and not committed yet.
  return (gitPaths() ?? walk('')).filter((path) => existsSync(join(ROOT, path)));
}

function gitPaths(): string[] | undefined {
  try {
    const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const list = execFileSync('git', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return list.split('\0').filter(Boolean);
  } catch {
    // Not a clone, such as an unpacked archive.
    return undefined;
  }
}

function walk(folder: string): string[] {
  const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split(/[/\s]+/);
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => name !== '.git' && !ignored.includes(name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? walk(path) : [path];
    });
}
