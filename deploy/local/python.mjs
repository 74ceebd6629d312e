/** Python with the packages of a requirements file, in a folder of its own. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MissingServer, cached } from './cache.mjs';
import { command, onPath } from './command.mjs';

/** The interpreter; its packages are fetched once for each state of the file. */
export async function fetchPython(requirements) {
  if (!onPath('python3')) throw new MissingServer('Python: no python3');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const folder = await cached(`python-${digest.slice(0, 12)}`, async (target) => {
    await command('python3', ['-m', 'venv', target]);
    const install = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements];
    await command(join(target, 'bin', 'python'), install);
  });
  return join(folder, 'bin', 'python');
}
