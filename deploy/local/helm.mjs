/** Helm, built from its Go module once, and the schemas of Kubernetes with a validator, from PyPI. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingServer, cached } from './cache.mjs';
import { command, onPath } from './command.mjs';
import { fetchPython } from './python.mjs';

const VERSION = '4.3.1';
const REQUIREMENTS = fileURLToPath(new URL('kubernetes.requirements.txt', import.meta.url));

/** The program's path: what is installed, else what was built here, which takes some minutes the first time. */
export async function fetchHelm() {
  const installed = onPath('helm');
  if (installed) return installed;
  if (!onPath('go'))
    throw new MissingServer('Helm: no helm on the PATH, and no Go (1.26) to build it');
  const folder = await cached(`helm-${VERSION}`, async (target) => {
    const env = { ...process.env, GOBIN: target };
    await command('go', ['install', `helm.sh/helm/v4/cmd/helm@v${VERSION}`], { env });
  });
  return join(folder, 'helm');
}

/** The command and its first arguments; it reads files of manifests. */
export async function fetchKubernetesValidate() {
  return [await fetchPython(REQUIREMENTS), '-m', 'kubernetes_validate'];
}
