/** A PostgreSQL server for comparisons: the system's own programs, on a free port of the loopback, in a folder that goes with it. */
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MissingServer } from './cache.mjs';
import { command, onPath } from './command.mjs';
import { folderFor, freePorts, launch } from './server.mjs';

const INSTALLED = '/usr/lib/postgresql';
/** Debian's `nobody`: the server refuses to run as root. */
const NOBODY = 65_534;

/** @returns the server, and `bench`, which runs pgbench against it and gives its output. */
export async function startPostgres() {
  const bin = programsFolder();
  const { folder, temporary } = folderFor('postgres');
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const asNobody = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
  const unprivileged = (program, args) =>
    isRoot ? ['setpriv', [...asNobody, program, ...args]] : [program, args];
  const data = join(folder, 'data');
  const [program, args] = unprivileged(join(bin, 'initdb'), [
    '-D',
    data,
    '-U',
    'bench',
    '-A',
    'trust',
  ]);
  await command(program, args);
  const ports = await freePorts(1);
  const at = ['-h', '127.0.0.1', '-p', String(ports[0]), '-U', 'bench'];
  const settings = ['max_connections=100', 'shared_buffers=256MB', 'unix_socket_directories='];
  const options = settings.flatMap((setting) => ['-c', setting]);
  const [postgres, postgresArgs] = unprivileged(join(bin, 'postgres'), [
    ...['-D', data, '-h', '127.0.0.1', '-p', String(ports[0])],
    ...options,
  ]);
  const server = await launch({
    name: 'postgres',
    program: postgres,
    args: postgresArgs,
    env: {},
    folder,
    temporary,
    ports,
  });
  return Object.assign(server, {
    run: (sql) =>
      command(join(bin, 'psql'), [
        ...at,
        '-d',
        'postgres',
        '-qAt',
        '-v',
        'ON_ERROR_STOP=1',
        '-c',
        sql,
      ]),
    bench: (given) => command(join(bin, 'pgbench'), [...at, '-n', ...given, 'postgres']),
  });
}

function programsFolder() {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED) : [];
  const newest = versions.toSorted((one, other) => Number(other) - Number(one))[0];
  const folder = newest && join(INSTALLED, newest, 'bin');
  if (folder === undefined || !existsSync(join(folder, 'postgres')) || !onPath('setpriv'))
    throw new MissingServer('PostgreSQL: not installed here; it serves as a comparison only');
  return folder;
}
