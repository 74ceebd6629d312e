import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, type Service } from '@countersign/contracts';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { fetchHelm } from '../../deploy/local/helm.mjs';
import { ROOT } from '../repo/tree.ts';

export const CHART = join(ROOT, 'helm/countersign');
/** Values that stand beside the chart as examples. */
export const VALUES = ['external', 'bundled'] as const;
type Example = (typeof VALUES)[number];

const Manifest = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.looseObject({}).optional(),
});
export type Manifest = z.infer<typeof Manifest>;
const Env = z.looseObject({ name: z.string(), value: z.string().optional() });
const Mount = z.looseObject({ name: z.string(), mountPath: z.string() });
const Item = z.object({ key: z.string(), path: z.string() });
const Volume = z.looseObject({
  name: z.string(),
  secret: z.looseObject({ secretName: z.string(), items: z.array(Item).optional() }).optional(),
});
const Probe = z.object({ httpGet: z.object({ path: z.string() }).optional() }).optional();
const Container = z.looseObject({
  args: z.array(z.string()).default([]),
  env: z
    .array(Env)
    .nullish()
    .transform((env) => env ?? []),
  volumeMounts: z.array(Mount).default([]),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  securityContext: z.looseObject({
    readOnlyRootFilesystem: z.boolean().optional(),
    allowPrivilegeEscalation: z.boolean(),
  }),
});
export type Container = z.infer<typeof Container>;
const PodTemplate = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    automountServiceAccountToken: z.boolean(),
    securityContext: z.looseObject({ runAsNonRoot: z.boolean() }),
    containers: z.tuple([Container]),
    volumes: z.array(Volume).default([]),
  }),
});
export type Pod = z.infer<typeof PodTemplate>['spec'];

export const helm = await fetchHelm();

export function fileOf(values: Example): string {
  return join(CHART, 'ci', `${values}.yaml`);
}

/** What helm says to an example and further arguments. */
export function render(values: Example, ...more: readonly string[]) {
  return spawnSync(helm, ['template', 'cs', CHART, '-f', fileOf(values), ...more], {
    encoding: 'utf8',
  });
}

export function manifestsOf(values: Example, ...more: readonly string[]): readonly Manifest[] {
  const { stdout, stderr, status } = render(values, ...more);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as unknown)
    .filter((it) => it !== null)
    .map((it) => Manifest.parse(it));
}

/** The manifest of that kind and name; without a name, the only one of its kind. */
export function found(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const all = manifests.filter(
    (it) => it.kind === kind && (name === undefined || it.metadata.name === name),
  );
  const [first] = all;
  if (!first || all.length > 1) throw new Error(`${all.length} of ${kind} ${name ?? ''}`);
  return first;
}

export function templateOf({ spec }: Manifest): z.infer<typeof PodTemplate> {
  return z.looseObject({ template: PodTemplate }).parse(spec).template;
}

export function podOf(manifest: Manifest): Pod {
  return templateOf(manifest).spec;
}

export function workload(manifests: readonly Manifest[], service: Service): Manifest {
  return found(manifests, 'StatefulSet', `cs-${service}`);
}

/** Programs of ours: services, and set-up as the last. */
export function programs(manifests: readonly Manifest[]): readonly Pod[] {
  return [...SERVICES.map((service) => workload(manifests, service)), found(manifests, 'Job')].map(
    podOf,
  );
}

/** The key of a Secret that stands at a path in a container, by what is mounted there. */
export function secretAt({ containers: [container], volumes }: Pod, path: string) {
  for (const { name, mountPath } of container.volumeMounts) {
    const { secret } = volumes.find((it) => it.name === name) ?? {};
    const item = secret?.items?.find((it) => `${mountPath}/${it.path}` === path);
    if (secret && item) return { secret: secret.secretName, key: item.key };
  }
  return undefined;
}

/** Text of a file in the repository. */
export function textAt(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
