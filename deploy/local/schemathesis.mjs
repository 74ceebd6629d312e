/** schemathesis, from PyPI, in a virtual environment of its own: asks an HTTP API what its OpenAPI document allows. */
import { join } from 'node:path';
import { MissingServer, cached } from './cache.mjs';
import { command, onPath } from './command.mjs';

const VERSION = '4.32.5';

/** The command and its first arguments: what is installed, else what was fetched. */
export async function fetchSchemathesis() {
  const installed = onPath('schemathesis');
  if (installed) return [installed];
  if (!onPath('python3'))
    throw new MissingServer('schemathesis: neither it nor python3 is on the PATH');
  const folder = await cached(`schemathesis-${VERSION}`, async (target) => {
    const environment = join(target, 'environment');
    await command('python3', ['-m', 'venv', environment]);
    const pip = join(environment, 'bin', 'pip');
    await command(pip, ['install', '--quiet', `schemathesis==${VERSION}`]);
  });
  // The programs in there name the folder they were made in, which has moved; Python itself does not mind.
  return [join(folder, 'environment', 'bin', 'python'), '-m', 'schemathesis.cli'];
}
