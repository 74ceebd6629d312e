import { AgentsFile } from '@countersign/adapter-kafka';
import { SERVICES, type Service } from '@countersign/contracts';
import { z } from 'zod';
import { SETTINGS } from './settings.ts';

type Properties = Readonly<Record<string, unknown>>;
interface Described {
  readonly properties: Properties;
  readonly required: readonly string[];
}

/** What the chart itself says to every service. */
const CHART_SAYS = [
  'COUNTERSIGN_HOST',
  'COUNTERSIGN_PORT',
  'COUNTERSIGN_STATE_DIR',
  'COUNTERSIGN_VAULT_ROLE_ID',
  'COUNTERSIGN_VAULT_SECRET_ID_FILE',
  // Its pods log in by the two before these, and take no other login beside.
  'COUNTERSIGN_VAULT_KUBERNETES_ROLE',
  'COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE',
  'COUNTERSIGN_OWNER_CREDENTIAL_FILE',
];
/** What the bundled servers answer for, where they are enabled. */
const BUNDLED_SAYS = [
  'COUNTERSIGN_KAFKA_BROKERS',
  'COUNTERSIGN_VAULT_ADDRESS',
  'COUNTERSIGN_REDIS_URL_FILE',
];

const text = { type: 'string' };
const named = { type: 'string', minLength: 1 };
const count = { type: 'integer', minimum: 1 };
const port = { type: 'integer', minimum: 1, maximum: 65_535 };
const flag = { type: 'boolean' };
/** What Kubernetes itself describes, and its API refuses when it is wrong. */
const theirs = { type: 'object' };
const object = (properties: Properties, required: readonly string[] = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...(required.length > 0 && { required }),
});
const peers = { type: 'array', items: theirs };

/**
 * The JSON Schema of the chart's values. Settings are those of the services' own schemas, so that a misspelt, unknown or
 * malformed one stops `helm install` and not a pod.
 */
export function valuesSchema(): object {
  const each = SERVICES.map((service) => [service, described(service)] as const);
  const [, first] = each[0] ?? [];
  const common = Object.keys(first?.properties ?? {}).filter((name) =>
    each.every(([, { properties }]) => name in properties),
  );
  const shared = pick(first?.properties ?? {}, common);
  const wanted = (first?.required ?? []).filter((name) => common.includes(name));
  const isBundled = (name: string) => BUNDLED_SAYS.includes(name);
  const wants = ({ required }: Described, isIt: (name: string) => boolean) =>
    required.filter((name) => !common.includes(name) && isIt(name));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: 'Made by deploy/generate.ts from the settings of the services.',
    definitions: { secret: object({ secret: named, key: named }, ['secret', 'key']) },
    ...object({
      ...outside(),
      settings: object(
        valuesOf(shared),
        wanted.filter((name) => !isBundled(name)),
      ),
      secrets: object(secretsOf(shared)),
      services: object(
        Object.fromEntries(
          each.map(([service, it]) => [
            service,
            {
              ...serviceSchema(it.properties),
              ...allGiven(wants(it, (name) => !isBundled(name))),
            },
          ]),
        ),
        SERVICES,
      ),
    }),
    allOf: [
      {
        if: { properties: { bundled: { properties: { enabled: { const: false } } } } },
        then: {
          properties: {
            settings: { required: wanted.filter(isBundled) },
            services: {
              properties: Object.fromEntries(
                each.map(([service, it]) => [service, allGiven(wants(it, isBundled))]),
              ),
            },
          },
        },
      },
    ],
  };
}

/** That a service is given each of these, as a setting or from a Secret. */
function allGiven(names: readonly string[]): object {
  const given = (where: 'settings' | 'secrets', name: string) => ({
    required: [where],
    properties: { [where]: { required: [name] } },
  });
  const each = names.map((name) =>
    name.endsWith('_FILE')
      ? given('secrets', name)
      : { anyOf: [given('settings', name), given('secrets', name)] },
  );
  return each.length === 0 ? {} : { allOf: each };
}

function serviceSchema(properties: Properties): object {
  return object({
    settings: object(valuesOf(properties)),
    secrets: object(secretsOf(properties)),
    replicas: count,
    resources: theirs,
  });
}

/** Settings that a value gives as they are. */
function valuesOf(properties: Properties): Properties {
  return pick(
    properties,
    Object.keys(properties).filter((name) => !name.endsWith('_FILE')),
  );
}

/** Any setting may come from a Secret; what is read from a file can come from nowhere else. */
function secretsOf(properties: Properties): Properties {
  return Object.fromEntries(
    Object.keys(properties).map((name) => [name, { $ref: '#/definitions/secret' }]),
  );
}

function described(service: Service): Described {
  const schema = z.toJSONSchema(SETTINGS[service], { io: 'input', target: 'draft-7' });
  const names = Object.keys(schema.properties ?? {}).filter((name) => !CHART_SAYS.includes(name));
  const properties = pick(schema.properties ?? {}, names);
  return { properties, required: (schema.required ?? []).filter((name) => names.includes(name)) };
}

function pick(properties: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, properties[name]]));
}

/** One entry of the file that `countersign setup --agents` reads. */
function agentSchema(): object {
  const { items } = z.toJSONSchema(AgentsFile, { io: 'input', target: 'draft-7' });
  if (typeof items !== 'object' || Array.isArray(items)) throw new Error('agents are no list');
  return items;
}

/** Everything that is no setting of a service. */
function outside(): Properties {
  const server = object({ peers, port }, ['peers', 'port']);
  return {
    global: theirs,
    image: object({ repository: named, tag: named, pullPolicy: named }),
    imagePullSecrets: { type: 'array', items: theirs },
    logins: named,
    caBundle: object({ secret: text, key: named }),
    replicas: count,
    resources: theirs,
    storage: object({ size: named, className: text }),
    setup: object({
      ...{ enabled: flag, replication: count, vaultTokenSecret: named },
      kafkaSasl: object({ secret: text, key: named }),
      agents: { type: 'array', items: agentSchema() },
    }),
    ingress: object({
      ...{ enabled: flag, className: named, host: text, tlsSecret: text, annotations: theirs },
    }),
    monitoring: object({
      podMonitor: object({ enabled: flag, labels: theirs }),
      rules: object({ enabled: flag, labels: theirs }),
    }),
    network: object({
      ...{ enabled: flag, monitoring: peers, ingress: peers, dns: peers },
      ...{ kafka: server, vault: server, redis: server, clickhouse: server, collector: server },
      ...{ chains: server, webhook: server },
    }),
    bundled: object({ enabled: flag, vaultRootToken: text, clickhousePassword: text }),
  };
}
