/**
 * Writes what is made from the sources and kept beside them: `node --import tsx deploy/generate.ts`. A test of the
 * repository fails when one of these files is not what its source says.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from './observability/dashboards.ts';
import { valuesSchema } from './helm-schema.ts';
import { nginxConf, routedPaths } from './routes.ts';

const ALERTS = new URL('observability/alerts.yaml', import.meta.url);

/** The text of every generated file, by its path from the top. */
export function generated(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, dashboard] of Object.entries(dashboards()))
    files.set(`deploy/observability/dashboards/${name}`, jsonText(dashboard));
  files.set('deploy/compose/nginx.conf', nginxConf());
  // A chart reads no file outside of it.
  files.set('helm/countersign/alerts.yaml', readFileSync(ALERTS, 'utf8'));
  files.set('helm/countersign/routes.json', jsonText(routedPaths()));
  files.set('helm/countersign/values.schema.json', jsonText(valuesSchema()));
  return files;
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [path, text] of generated()) {
    const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
