/** Brings what package-lock.json names into node_modules, once per lock file. */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT, pathKey, run } from './child.mjs';
import { lockFaults } from './lock.mjs';
import { progress } from './progress.mjs';

const NODE_WANTED = 24;
/** So long without a download, npm is busy with what it has. */
const IDLE_MS = 2000;
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.countersign-lock');
const PACKAGED_NODE =
  process.platform === 'win32'
    ? join(MODULES, 'node', 'bin', 'node.exe')
    : join(MODULES, '.bin', 'node');
const LOCK = join(ROOT, 'package-lock.json');

/**
 * Settings of the npm that called us which would change what or where we install; npm hands its own down in the
 * environment. The rest (registry, proxy, certificates, cache) is the user's and stays.
 */
const NOT_INHERITED = new RegExp(
  `^npm_(lifecycle_|package_|command$|config_(${[
    'also|cpu|dev|dry_run|global|global_prefix|global_style|if_present|include|include_workspace_root',
    'install_links|install_strategy|legacy_bundling|libc|local_prefix|location|loglevel|long|omit|only',
    'optional|os|package_lock|package_lock_only|parseable|json|prefix|production|save|silent|workspace',
    'workspaces',
  ].join('|')})$)`,
  'i',
);

/** The Node 24 to run tasks with, after installing if need be; undefined, with the reason printed, if there is none. */
export async function ensureInstalled() {
  const lockText = readFileSync(LOCK, 'utf8');
  const stamp = `${process.platform}-${process.arch} ${createHash('sha256').update(lockText).digest('hex')}\n`;
  if (readOr(STAMP, '') === stamp) return existsSync(PACKAGED_NODE) ? PACKAGED_NODE : nodeWanted();

  const lock = JSON.parse(lockText);
  if (!isInstalled(lock) && !(await install(lock))) return undefined;
  const node = nodeWanted();
  if (node) writeFileSync(STAMP, stamp);
  return node;
}

async function install(lock) {
  const faults = lockFaults(lock);
  if (faults.length > 0) {
    console.error(
      `package-lock.json lacks ${faults.length} entries that other platforms need: node deploy/bootstrap/lock.mjs --fix`,
    );
    return false;
  }
  if (process.platform === 'win32' && isOurs(process.execPath)) {
    console.error(
      'The packages changed, and Windows cannot replace the Node that is running: run "npm ci", then the same command again.',
    );
    return false;
  }
  rmSync(STAMP, { force: true });
  const wanted = Object.entries(lock.packages).filter(
    ([path, entry]) => path.includes('node_modules/') && !entry.link && isWantedHere(entry),
  );
  return npmCi(wanted.length);
}

async function npmCi(expected) {
  const output = [];
  let fetched = 0;
  let fetchedAtMs = Date.now();
  const bar = progress('Installing packages, once', (seconds) => {
    if (fetched === 0) return `asking the registry for ${expected}, ${seconds} s`;
    const idle = Date.now() - fetchedAtMs > IDLE_MS;
    const now = idle ? `fetched, unpacking and getting Node ${NODE_WANTED}` : 'fetched';
    // The package that brings Node fetches one that the lock does not name, and a fetch that fails is tried again.
    return `${Math.min(fetched, expected)} of ${expected} ${now}, ${seconds} s`;
  });
  const onLine = (line) => {
    if (!line.startsWith('npm http')) output.push(line);
    else if (line.includes('.tgz')) {
      fetched += 1;
      fetchedAtMs = Date.now();
    }
  };
  const { program, args, shell } = npmCommand();
  const flags = ['ci', '--include=dev', '--include=optional', '--loglevel=http', '--color=false'];
  let code;
  try {
    code = await run(program, [...args, ...flags], { onLine, env: npmEnv(), shell });
  } catch (error) {
    output.push(error.message);
    code = 1;
  }
  if (code === 0) {
    bar.end((seconds) => `Installed the packages in ${seconds} s.`);
    return true;
  }
  bar.end((seconds) => `npm ci failed after ${seconds} s. What it said:`);
  console.error(output.join('\n'));
  return false;
}

/**
 * npm as the caller ran it. Its Node must not be ours: `npm ci` deletes that one while it runs.
 */
function npmCommand() {
  const { npm_execpath: cli = '', npm_node_execpath: caller = process.execPath } = process.env;
  const node = [caller, process.execPath].find((path) => existsSync(path) && !isOurs(path));
  if (node && basename(cli) === 'npm-cli.js') return { program: node, args: [cli], shell: false };
  return { program: 'npm', args: [], shell: process.platform === 'win32' };
}

function npmEnv() {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !NOT_INHERITED.test(key)),
  );
  const key = pathKey(env);
  const separator = process.platform === 'win32' ? ';' : ':';
  env[key] = (env[key] ?? '')
    .split(separator)
    .filter((folder) => !isOurs(folder))
    .join(separator);
  return env;
}

function isOurs(path) {
  return path.startsWith(MODULES);
}

/**
 * Whether npm itself last left exactly this lock's packages here, be it by hand or in an image that was built ahead:
 * then a second, slow installation would only repeat the first.
 */
function isInstalled(lock) {
  const text = readOr(join(MODULES, '.package-lock.json'), undefined);
  if (text === undefined) return false;
  const here = JSON.parse(text).packages;
  const same = (path) =>
    here[path]?.version === lock.packages[path]?.version &&
    here[path]?.integrity === lock.packages[path]?.integrity;
  const wanted = Object.keys(lock.packages).filter((path) => isWantedHere(lock.packages[path]));
  return wanted.every((path) => path === '' || path in here) && Object.keys(here).every(same);
}

/** What is optional and states no platform belongs to something that does, so it says nothing about this machine. */
function isWantedHere({ os, cpu, libc, optional }) {
  const fits = (list, value) => !list || list.includes(value);
  if (optional && !os && !cpu) return false;
  return fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, libcHere());
}

function libcHere() {
  if (process.platform !== 'linux') return undefined;
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

/** Node 24 from the packages, or the one that runs this if it is new enough. */
function nodeWanted() {
  const found = [PACKAGED_NODE, process.execPath].find((path) => majorOf(path) >= NODE_WANTED);
  if (!found)
    console.error(
      `Node ${NODE_WANTED} did not come with the packages; if npm is set to ignore install scripts, run "npm rebuild node --ignore-scripts=false", or install Node ${NODE_WANTED} yourself.`,
    );
  return found;
}

function majorOf(node) {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 0);
}

function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  }
}
