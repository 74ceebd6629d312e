/** HashiCorp Vault in its development mode: in memory, unsealed, one root token. Built from source once. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingServer, cached } from './cache.mjs';
import { command, onPath } from './command.mjs';
import { folderFor, freePorts, launch } from './server.mjs';

const VERSION = '1.21.2';
const MODULE = fileURLToPath(new URL('vault', import.meta.url));
const ROOT_TOKEN = 'root';

/** The program's path: what is installed, else what was built here, which takes some minutes the first time. */
export async function fetchVault() {
  const installed = ['vault', 'bao'].map(onPath).find(Boolean);
  if (installed) return installed;
  if (!onPath('go'))
    throw new MissingServer('Vault: no vault or bao on the PATH, and no Go (1.25) to build it');
  const folder = await cached(`vault-${VERSION}`, async (target) => {
    const source = join(target, 'source');
    cpSync(MODULE, source, { recursive: true });
    // -e: what only tests of Vault's own import is not published whole, and nobody needs it.
    await command('go', ['mod', 'tidy', '-e'], { cwd: source });
    const flags = ['-tags', 'minimal', '-ldflags=-s -w', '-o', join(target, 'vault')];
    await command('go', ['build', ...flags, '.'], { cwd: source });
  });
  return join(folder, 'vault');
}

/**
 * @returns the server with its `url` and root `token`; a restart has forgotten everything
 */
export async function startVault(options = {}) {
  const program = await fetchVault();
  const { folder, temporary } = folderFor('vault', options.folder);
  const ports = options.ports ?? (await freePorts(1));
  const [port] = ports;
  const url = `http://127.0.0.1:${port}`;
  const server = await launch({
    name: 'vault',
    program,
    args: ['server', '-dev', '-dev-no-store-token', `-dev-listen-address=127.0.0.1:${port}`],
    env: { VAULT_DEV_ROOT_TOKEN_ID: ROOT_TOKEN },
    folder,
    temporary,
    ports,
    isReady: async () => (await fetch(`${url}/v1/sys/health`)).status === 200,
    detached: options.detached,
    onSpawn: options.onSpawn,
  });
  return Object.assign(server, { ports, url, token: ROOT_TOKEN });
}
