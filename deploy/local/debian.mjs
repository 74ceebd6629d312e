/**
 * Programs of Debian packages, unpacked into the cache: nothing is installed, no service is started, and no rights are
 * needed. What the system has already is used from there.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingServer, cached } from './cache.mjs';
import { command, onPath } from './command.mjs';

/**
 * @param wanted.server what it is called in messages
 * @param wanted.programs names of the programs; the first one decides whether the system has them
 * @param wanted.packages packages that hold them
 * @returns the path of each program by name, and the environment to run them in
 */
export async function debianPrograms({ server, programs, packages }) {
  const here = programs.map((program) => [program, onPath(program)]);
  if (here.every(([, path]) => path)) return { paths: Object.fromEntries(here), env: {} };
  const [first] = programs;
  if (!onPath('apt-get') || !onPath('dpkg-deb'))
    throw new MissingServer(`${server}: no ${first} on the PATH, and this system is not Debian's`);
  const root = await cached(`debian-${packages.join('-')}`, (folder) => unpack(folder, packages));
  const path = (program) => join(root, 'root', 'usr', 'bin', program);
  return {
    paths: Object.fromEntries(programs.map((program) => [program, path(program)])),
    env: { LD_LIBRARY_PATH: libraries(join(root, 'root', 'usr', 'lib')) },
  };
}

async function unpack(folder, packages) {
  const archives = join(folder, 'archives');
  const lists = join(folder, 'lists');
  for (const path of [join(archives, 'partial'), join(lists, 'partial')])
    await mkdir(path, { recursive: true });
  const own = [
    ...['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${archives}`],
    ...['-o', `Dir::State::lists=${lists}`, '-o', 'Dir::Cache::pkgcache='],
    ...['-o', 'Dir::Cache::srcpkgcache=', '-o', 'APT::Sandbox::User=', '-qq'],
  ];
  await command('apt-get', [...own, 'update']);
  const flags = ['install', '--download-only', '--reinstall', '--no-install-recommends', '-y'];
  await command('apt-get', [...own, ...flags, ...packages]);
  const root = join(folder, 'root');
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb')))
    await command('dpkg-deb', ['-x', join(archives, file), root]);
  await command('rm', ['-r', archives, lists]);
}

/** Libraries lie in a folder of the processor's name, and beside it. */
function libraries(folder) {
  if (!existsSync(folder)) return '';
  const inner = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
    .map((entry) => join(folder, entry.name));
  return [...inner, folder].join(':');
}
