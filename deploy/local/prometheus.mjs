/** Prometheus and its promtool, from Debian or the PATH. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianPrograms } from './debian.mjs';
import { folderFor, freePorts, launch } from './server.mjs';

/** Scrapes itself alone, for a start without a configuration of one's own. */
const CONFIG = `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: prometheus
    static_configs: [{ targets: ['127.0.0.1:PORT'] }]
`;

/** Paths of `prometheus` and `promtool`, and the environment to run them in. */
export function fetchPrometheus() {
  return debianPrograms({
    server: 'Prometheus',
    programs: ['prometheus', 'promtool'],
    packages: ['prometheus'],
  });
}

/** @param options.config the text of prometheus.yml, in which PORT stands for its own port */
export async function startPrometheus(options = {}) {
  const { paths, env } = await fetchPrometheus();
  const { folder, temporary } = folderFor('prometheus', options.folder);
  const ports = options.ports ?? (await freePorts(1));
  const [port] = ports;
  const config = join(folder, 'prometheus.yml');
  if (options.config !== undefined || !existsSync(config))
    writeFileSync(config, (options.config ?? CONFIG).replaceAll('PORT', port));
  const url = `http://127.0.0.1:${port}`;
  const server = await launch({
    name: 'prometheus',
    program: paths.prometheus,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
    ],
    env,
    folder,
    temporary,
    ports,
    isReady: async () => (await fetch(`${url}/-/ready`)).ok,
    detached: options.detached,
    onSpawn: options.onSpawn,
  });
  return Object.assign(server, { ports, url });
}
