/**
 * Keeps package-lock.json whole for every platform.
 *
 * npm writes an optional platform binary into the lock only if the registry it asked could serve it. Where one could
 * not, `npm ci` finds the name on another platform, misses its entry and refuses the whole lock. An entry of nothing
 * but version and platform is enough: npm skips it everywhere else, and where it fits, fetches it by name.
 *
 *     node deploy/bootstrap/lock.mjs --check   names what is missing, exit code 1 if anything is
 *     node deploy/bootstrap/lock.mjs --fix     adds it
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LOCK_FILE = fileURLToPath(new URL('../../package-lock.json', import.meta.url));

const OS = new Set([
  ...['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos'],
  'win32',
]);
const CPU = new Map([
  ...[
    'arm',
    'arm64',
    'ia32',
    'loong64',
    'mips64el',
    'ppc64',
    'riscv64',
    's390x',
    'wasm32',
    'x64',
  ].map((cpu) => [cpu, cpu]),
  ['aarch64', 'arm64'],
  ['amd64', 'x64'],
  ['x86', 'ia32'],
]);
const LIBC = new Map([
  ['gnu', 'glibc'],
  ['gnueabihf', 'glibc'],
  ['musl', 'musl'],
  ['musleabihf', 'musl'],
]);

/** The platform that a package's name states, in npm's words; undefined when the name states neither system nor processor. */
export function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => OS.has(word));
  const cpu = words.filter((word) => CPU.has(word)).map((word) => CPU.get(word));
  const libc = words.filter((word) => LIBC.has(word)).map((word) => LIBC.get(word));
  if (os.length === 0 && cpu.length === 0) return undefined;
  return {
    ...(cpu.length > 0 && { cpu }),
    ...(os.length > 0 && { os }),
    ...(os.includes('linux') && libc.length > 0 && { libc }),
  };
}

/** The nearest entry that Node would resolve `name` to from the package at `from`, as a path in the lock. */
function resolve(packages, from, name) {
  for (let at = from; ; at = parentOf(at)) {
    const path = inside(at, name);
    if (path in packages) return path;
    if (at === '') return undefined;
  }
}

function inside(at, name) {
  return `${at === '' ? '' : `${at}/`}node_modules/${name}`;
}

function parentOf(path) {
  const cut = path.lastIndexOf('/node_modules/');
  return cut < 0 ? '' : path.slice(0, cut);
}

/** Members in the order npm writes them, so that its next `npm install` leaves the entry as it is. */
function entryOf(name, range, { dev }) {
  const { cpu, os, libc } = platformOf(name) ?? {};
  return {
    version: range.replace(/^[~^]/, ''),
    ...(cpu && { cpu }),
    ...(dev && { dev }),
    ...(libc && { libc }),
    optional: true,
    ...(os && { os }),
  };
}

/**
 * The entries that the lock owes, as path to entry. A version other than the one asked for does not count, so it is
 * put below the package that asks, as npm does. Ranges are taken at their lower end.
 */
export function missingEntries(lock) {
  const packages = { ...lock.packages };
  const missing = {};
  for (const [from, parent] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
      const found = resolve(packages, from, name);
      const exact = /^\d/.test(range);
      if (found && (!exact || packages[found].version === range)) continue;
      const path = inside(found ? from : '', name);
      packages[path] = missing[path] = entryOf(name, range, parent);
    }
  }
  return missing;
}

/** What is wrong with a lock, one line each; an empty list when every platform can install from it. */
export function lockFaults(lock) {
  return Object.entries(missingEntries(lock)).map(([path, { version, os, cpu }]) =>
    os || cpu
      ? `${path}@${version}: optional, and without an entry`
      : `${path}@${version}: optional, without an entry, and its name states no platform; add it by hand`,
  );
}

/** The lock with every owed entry in its place, in npm's order. A name that states no platform stays owed. */
export function completed(lock) {
  const owed = Object.entries(missingEntries(lock)).filter(([, { os, cpu }]) => os || cpu);
  const entries = [...Object.entries(lock.packages), ...owed];
  entries.sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(entries) };
}

export function readLock(file = LOCK_FILE) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function main(mode) {
  if (mode === '--fix') {
    const before = readFileSync(LOCK_FILE, 'utf8');
    const after = `${JSON.stringify(completed(JSON.parse(before)), null, 2)}\n`;
    if (after !== before) writeFileSync(LOCK_FILE, after);
  } else if (mode !== '--check') {
    console.error('usage: node deploy/bootstrap/lock.mjs --check | --fix');
    return 2;
  }
  const faults = lockFaults(readLock());
  for (const fault of faults) console.error(`package-lock.json: ${fault}`);
  if (faults.length > 0) console.error('Mend it: node deploy/bootstrap/lock.mjs --fix');
  return faults.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv[2]);
